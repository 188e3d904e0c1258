// The failures of decisions: what a user did or met, and what to do next. node/cli/exit.ts maps each to
// its exit code.

import { DrystoneError, type FailureInit } from '../store/errors.ts'

/** A file or directory of the protected tree could not be read as what it is. */
export class Unreadable extends DrystoneError {
  override readonly name = 'Unreadable'
  readonly path: string

  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} could not be read: ${why}`, {
      next: 'See that it is there, and that you may read it; then run it again.',
      cause
    })
    this.path = path
  }
}

/** Changes in the protected tree cannot be heard of; what has changed is found by looking at all of it. */
export class NotWatched extends DrystoneError {
  override readonly name = 'NotWatched'
  readonly why: string

  constructor(why: string, cause?: unknown) {
    super(`changes are not heard of: ${why}`, {
      next: 'Nothing is lost: the next backup looks at every file.',
      cause
    })
    this.why = why
  }
}

/** Something stands where a restore wants to write, or the path would leave the target. */
export class NotWritable extends DrystoneError {
  override readonly name = 'NotWritable'
  readonly path: string

  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} could not be written: ${why}`, {
      next: 'Make room, or name another directory with --to, and run it again: what is done is kept.',
      cause
    })
    this.path = path
  }
}

/** This peer cannot listen where it was told to. */
export class CannotListen extends DrystoneError {
  override readonly name = 'CannotListen'
  readonly address: string

  constructor(address: string, init: FailureInit = {}) {
    super(`cannot listen on ${address}`, {
      next: 'Another program may use the port: stop it, or give another address with --listen.',
      ...init
    })
    this.address = address
  }
}

/** The directory that should be bare is not. */
export class TargetNotEmpty extends DrystoneError {
  override readonly name = 'TargetNotEmpty'
  readonly path: string

  constructor(path: string) {
    super(`${path} is not empty`, {
      next: 'Name an empty or new directory, so that nothing of yours is mixed with what is written.'
    })
    this.path = path
  }
}

/** There is no mesh in this home yet. */
export class NoMesh extends DrystoneError {
  override readonly name = 'NoMesh'
  readonly home: string

  constructor(home: string) {
    super(`there is no mesh in ${home} yet`, {
      next: 'Start one with `drystone setup`, or join one with `drystone join CODE`.'
    })
    this.home = home
  }
}

/** This home belongs to a mesh already. */
export class AlreadyInMesh extends DrystoneError {
  override readonly name = 'AlreadyInMesh'
  readonly home: string

  constructor(home: string) {
    super(`${home} belongs to a mesh already`, {
      next: 'Use another folder with --home, or look at this one with `drystone status`.'
    })
    this.home = home
  }
}

/** No member has this name or id, or several have. */
export class PeerUnknown extends DrystoneError {
  override readonly name = 'PeerUnknown'
  readonly peer: string
  readonly known: string[]

  constructor(peer: string, known: string[]) {
    super(`no single member is called ${peer}`, { next: `Known are: ${known.join(', ')}.` })
    this.peer = peer
    this.known = known
  }
}

/** No endpoint has this name or id. */
export class EndpointUnknown extends DrystoneError {
  override readonly name = 'EndpointUnknown'
  readonly endpoint: string
  readonly known: string[]

  constructor(endpoint: string, known: string[]) {
    super(`no endpoint is called ${endpoint}`, {
      next:
        known.length === 0
          ? 'No computer protects anything yet.'
          : `Known are: ${known.join(', ')}.`
    })
    this.endpoint = endpoint
    this.known = known
  }
}

/** Nobody was found who lets us in. */
export class NoMemberFound extends DrystoneError {
  override readonly name = 'NoMemberFound'
  /** Peers that were found, but are of another mesh or refused. */
  readonly refusals: number

  constructor(
    refusals: number,
    { addresses = [], cause }: { addresses?: readonly string[]; cause?: unknown } = {}
  ) {
    const nobody =
      addresses.length === 0
        ? 'no peer of a mesh was found on this network'
        : `nobody answered at ${addresses.join(', ')}`
    super(refusals === 0 ? nobody : `${refusals} peer(s) answered, but none takes these words`, {
      next:
        refusals > 0
          ? 'The words may be expired, used up, or of another mesh: ask for new ones (`drystone invite`).'
          : addresses.length > 0
            ? 'See that a member runs there (`drystone up` shows its addresses).'
            : 'See that a member runs (`drystone up`); where multicast does not pass, use --addr HOST.',
      cause
    })
    this.refusals = refusals
  }
}

/** The mesh heard us, but does not count us as a member. */
export class NotAdmitted extends DrystoneError {
  override readonly name = 'NotAdmitted'

  constructor() {
    super('the mesh did not let this computer in', {
      next: 'The invite may have been used up meanwhile: ask for another (`drystone invite`).'
    })
  }
}

/** No base has this name. */
export class BaseUnknown extends DrystoneError {
  override readonly name = 'BaseUnknown'
  readonly base: string
  readonly known: string[]

  constructor(base: string, known: string[]) {
    super(`no base is called ${base}`, {
      next:
        known.length === 0
          ? 'None is published yet: make one with `drystone base create NAME@VERSION --from DIR`.'
          : `Known are: ${known.join(', ')}.`
    })
    this.base = base
    this.known = known
  }
}

/** An endpoint has no such restore point. */
export class PointUnknown extends DrystoneError {
  override readonly name = 'PointUnknown'
  readonly known: number[]

  constructor(known: number[]) {
    super('there is no such restore point', {
      next:
        known.length === 0
          ? 'There is none yet: make one with `drystone backup`.'
          : `There are ${known.length}, from ${known[0]} to ${known.at(-1)}: see \`drystone points\`.`
    })
    this.known = known
  }
}

/** Another head carries this computer's signature. */
export class HeadForked extends DrystoneError {
  override readonly name = 'HeadForked'
  readonly seen: number
  readonly own: number

  constructor(seen: number, own: number) {
    super(`keepers know head ${seen} of this computer, which knows only ${own} itself`, {
      next:
        'Its home was copied or set back. Both branches are kept; ' +
        'go on under a new key with `drystone recover --replaces ENDPOINT` in a new home.'
    })
    this.seen = seen
    this.own = own
  }
}

/** No storage peer that could be reached has a head of the endpoint. */
export class NoHead extends DrystoneError {
  override readonly name = 'NoHead'

  constructor() {
    super('no storage peer in reach has a restore point of this endpoint', {
      next: 'Start the storage peers that keep it, or give their address with --addr.'
    })
  }
}

/** This peer protects no directory. */
export class NoRoot extends DrystoneError {
  override readonly name = 'NoRoot'

  constructor() {
    super('this computer protects no directory', {
      next: 'Join with --root DIR to protect one, or name another with --endpoint.'
    })
  }
}

/** A base has no copy yet on a storage peer other than its publisher. */
export class NotReplicated extends DrystoneError {
  override readonly name = 'NotReplicated'
  readonly copies: string[]

  constructor(copies: string[]) {
    super('no other storage peer has signed for the base yet', {
      next: 'It is saved here and will go out by itself: start a storage peer, see `drystone base list`.'
    })
    this.copies = copies
  }
}

/** A base of this name and version is published, and it is another tree. */
export class BaseExists extends DrystoneError {
  override readonly name = 'BaseExists'
  readonly base: string

  constructor(base: string) {
    super(`${base} is published already, and holds something else`, {
      next: 'A published base never changes: give what you have now another version.'
    })
    this.base = base
  }
}

/** A base may not be used before it is published, approved and copied. */
export class BaseNotReady extends DrystoneError {
  override readonly name = 'BaseNotReady'
  readonly base: string

  constructor(base: string) {
    super(`${base} is not ready: no storage peer but its publisher has signed for it`, {
      next: 'Wait until a storage peer has it (`drystone base list`), then try again.'
    })
    this.base = base
  }
}

/** A reading that is not open: it was closed, or the peer was restarted meanwhile. */
export class NoReading extends DrystoneError {
  override readonly name = 'NoReading'
  readonly reading: number

  constructor(reading: number) {
    super(`reading ${reading} is not open`, { next: 'Run the command again.' })
    this.reading = reading
  }
}

/** The peer does not know this call: it is of another version than the command. */
export class UnknownCall extends DrystoneError {
  override readonly name = 'UnknownCall'
  readonly call: string

  constructor(call: string) {
    super(`the running peer knows no call named ${call}`, {
      next: 'It is of another version: stop it (`drystone down`) and start it again (`drystone up`).'
    })
    this.call = call
  }
}

/** Another computer's history cannot be opened without words. */
export class NoKeys extends DrystoneError {
  override readonly name = 'NoKeys'
  readonly endpoint: string

  constructor(endpoint: string) {
    super(`the keys of ${endpoint} are not on this computer`, {
      next: "Give the mesh's recovery words with --recovery-file FILE."
    })
    this.endpoint = endpoint
  }
}

/** A command that the demo runs did not do what it should. */
export class CommandFailed extends DrystoneError {
  override readonly name = 'CommandFailed'
  readonly command: string

  constructor(command: string, answer: string) {
    super(`\`drystone ${command}\` failed: ${answer}`)
    this.command = command
  }
}

/** The folder that should become a home holds other things. */
export class HomeNotEmpty extends DrystoneError {
  override readonly name = 'HomeNotEmpty'
  readonly home: string

  constructor(home: string) {
    super(`${home} holds other things, and is no Drystone home`, {
      next: 'Name an empty or new folder with --home: a home is private, and kept out of backups.'
    })
    this.home = home
  }
}

/** A thread that packs files ended before its work did. */
export class PackerLost extends DrystoneError {
  override readonly name = 'PackerLost'

  constructor({ cause }: { cause: unknown }) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`a thread that packs files ended: ${why}`, {
      next: 'Run it again: what is stored already is kept. If it happens again, look at the memory here.',
      cause
    })
  }
}
