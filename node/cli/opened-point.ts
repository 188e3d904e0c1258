// A restore point that a command has opened through its peer, to look into it: its reader, where its paths
// begin, and what to call when done.

import { parseCid, type CID } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import type { StateReader } from '../../store/reader.ts'
import { pointOf } from './flags.ts'
import type { Session } from './session.ts'
import { wordsFrom } from './words.ts'

export interface PointFlags {
  endpoint?: string
  recoveryFile?: string
}

export interface OpenedPoint {
  /** The number of the reading. */
  reading: number
  endpoint: string
  point: number
  /** ISO 8601. */
  time: string
  digest: string
  root: CID
  reader: StateReader
  /** This computer's own root, if it has one: paths may be written from there. */
  ownRoot: string | undefined
  close: () => Promise<unknown>
}

/** @param text `latest`, a number, a time, or one of these after `ENDPOINT/`. @throws {WrongUsage} */
export async function openPoint(
  session: Session,
  text: string,
  { endpoint, recoveryFile }: PointFlags,
  signal: AbortSignal
): Promise<OpenedPoint> {
  const asked = pointOf(text, systemClock.now())
  const named = endpoint === undefined ? asked : { endpoint, ...asked }
  const words = await wordsFrom(recoveryFile)
  const opened = await session.call('openPoint', { ...named, words }, { signal })
  return {
    reading: opened.reading,
    endpoint: opened.endpoint,
    point: opened.point,
    time: opened.time,
    digest: opened.digest,
    root: parseCid(opened.root),
    reader: session.reader(opened.reading),
    ownRoot: opened.ownRoot,
    close: () => session.call('closeReading', { reading: opened.reading })
  }
}
