// A session: one command's way to its peer. If the peer of the home runs, the command calls it over the
// local socket; else it starts a node for the moment in its own process. Either way it speaks the control
// API and nothing else.

import { access, constants } from 'node:fs/promises'
import { openDisk, readFile } from '../../store/disk.ts'
import { systemClock } from '../../store/clock.ts'
import { BlockMissing, DiskFailed, DrystoneError } from '../../store/errors.ts'
import type { ChunkRef } from '../../store/entry.ts'
import { BodyStateReader, type BodyReader, type StateReader } from '../../store/reader.ts'
import type { GetOptions } from '../../store/source.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { readLying } from '../control/lying.ts'
import {
  PoolCaller,
  TOKEN_BYTES,
  WireCaller,
  type CallContext,
  type Caller
} from '../control/call.ts'
import { TOKEN_FILE } from '../control/host.ts'
import type { ArgsOf, ProcedureName, ResultOf } from '../control/perform.ts'
import { dial } from '../control/socket.ts'
import { NoMesh } from '../errors.ts'
import { homeFolder } from './home-folder.ts'

export class Session {
  readonly #caller: Caller
  /** The peer ran already. */
  readonly isRunning: boolean

  constructor(caller: Caller, isRunning: boolean) {
    this.#caller = caller
    this.isRunning = isRunning
  }

  call<K extends ProcedureName>(
    name: K,
    args: ArgsOf<K>,
    context?: CallContext
  ): Promise<ResultOf<K>> {
    // The table of procedures gives the result its type; the wire cannot.
    return this.#caller.call(name, args, context) as Promise<ResultOf<K>>
  }

  /** Reads a state that the peer has opened. */
  reader(reading: number): StateReader {
    const bodies: BodyReader['bodies'] = async (type, cids, options) => {
      const args = { reading, type, cids: cids.map((cid) => cid.toString()) }
      const answer = await this.call('bodies', args, { signal: options?.signal })
      return answer.bodies
    }
    const body: BodyReader['body'] = async (type, cid, options) => {
      const [only] = await bodies(type, [cid], options)
      if (only === undefined) throw new BlockMissing(cid.toString())
      return only
    }
    return new SessionReader(this, reading, { body, bodies })
  }

  close(): Promise<void> {
    return this.#caller.close()
  }
}

/** Directories that a command returns to, to see whether it did what it should, are not asked for again. */
const RECENT_BYTES = 32 << 20

/** Takes chunks as the peer has them: packed ones travel packed, and are unpacked where they are needed. */
class SessionReader extends BodyStateReader {
  readonly #session: Session
  readonly #reading: number

  constructor(session: Session, reading: number, bodies: BodyReader) {
    super(bodies, { recentBytes: RECENT_BYTES })
    this.#session = session
    this.#reading = reading
  }

  override async stored(refs: readonly ChunkRef[], options?: GetOptions): Promise<StoredBlock[]> {
    const found = await this.#chunks(refs, false, options)
    return found.filter((each) => 'body' in each)
  }

  places(refs: readonly ChunkRef[], options?: GetOptions) {
    return this.#chunks(refs, true, options)
  }

  async #chunks(refs: readonly ChunkRef[], places: boolean, { signal }: GetOptions = {}) {
    const args = { reading: this.#reading, cids: refs.map(({ cid }) => cid.bytes), places }
    return (await this.#session.call('chunks', args, { signal })).chunks.map(readLying)
  }
}

/**
 * @throws {NoMesh} if there is no home.
 * @throws {HomeBusy} if another process has it and cannot be called.
 */
export async function openSession(home: string | undefined): Promise<Session> {
  const folder = homeFolder(home)
  await assertHome(folder)
  const running = await callRunning(folder)
  if (running !== undefined) return new Session(running, true)
  const { openMoment } = await import('./moment.ts')
  return new Session(await openMoment(folder), false)
}

async function callRunning(folder: string): Promise<Caller | undefined> {
  const token = await readFile(await openDisk(folder), TOKEN_FILE)
  if (token?.length !== TOKEN_BYTES) return undefined
  const open = async (): Promise<WireCaller | undefined> => {
    const wire = await dial(folder)
    return wire && new WireCaller({ wire, clock: systemClock }, token)
  }
  const first = await open()
  return first && new PoolCaller(first, open)
}

/** @throws {NoMesh} A command that looks must not leave an empty home behind. */
export async function assertHome(folder: string): Promise<void> {
  try {
    await access(folder, constants.R_OK | constants.X_OK)
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
    if (!isThere) throw new NoMesh(folder)
    const next = 'It belongs to another user: run this as that user, or name a home with --home.'
    throw new DiskFailed(folder, 'opening the home', { next, cause })
  }
}

/** True if the peer of a home runs and can be called. */
export async function isPeerRunning(folder: string): Promise<boolean> {
  await assertHome(folder)
  const caller = await callRunning(folder)
  await caller?.close()
  return caller !== undefined
}

/** Wrong words or flags on the command line. */
export class WrongUsage extends DrystoneError {
  override readonly name = 'WrongUsage'
}
