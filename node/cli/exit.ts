// Exit codes: what a script may rely on. One room maps failures to codes; a failure that is not named here
// exits with 1.

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  unprotected: 4,
  noMesh: 10,
  wrongWords: 12,
  noPeer: 13,
  damage: 14,
  interrupted: 130
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const BY_NAME: Readonly<Record<string, ExitCode>> = {
  WrongUsage: EXIT.usage,
  NoMesh: EXIT.noMesh,
  WrongWords: EXIT.wrongWords,
  NoMemberFound: EXIT.noPeer,
  NoHead: EXIT.noPeer,
  NotReplicated: EXIT.noPeer,
  PeerUnreachable: EXIT.noPeer,
  BlockMissing: EXIT.noPeer,
  BaseNeeded: EXIT.noPeer,
  BlockDamaged: EXIT.damage,
  ParcelDamaged: EXIT.damage,
  AbortError: EXIT.interrupted
}

/** The code for a failure, by its name. */
export function exitCodeOf(name: string): ExitCode {
  return BY_NAME[name] ?? EXIT.failed
}
