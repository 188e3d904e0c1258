// A session: one command's way to its peer. If the peer of the home runs, the command calls it over the
// local socket; else it starts a node for the moment in its own process. Either way it speaks the control
// API and nothing else.

import { access } from 'node:fs/promises'
import { readFile } from '../../store/disk.ts'
import { systemClock } from '../../store/clock.ts'
import { BlockMissing, DrystoneError } from '../../store/errors.ts'
import type { BodyReader, StateReader } from '../../store/reader.ts'
import { AheadReader } from '../ahead.ts'
import { TOKEN_BYTES, WireCaller, type CallContext, type Caller } from '../control/call.ts'
import { TOKEN_FILE } from '../control/host.ts'
import { performer, type ArgsOf, type ProcedureName, type ResultOf } from '../control/perform.ts'
import { dial } from '../control/socket.ts'
import { NoMesh } from '../errors.ts'
import { Node } from '../node.ts'
import { BODIES_MAX } from '../procedures/history.ts'
import { callingOut } from '../ports.ts'
import { homeFolder, realPorts } from './real-ports.ts'

/** A moment for a node that was just started to find the others. */
const SETTLE_MS = 3_000

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
    return new AheadReader({ body, bodies }, BODIES_MAX)
  }

  close(): Promise<void> {
    return this.#caller.close()
  }
}

/** @throws {NoMesh} if there is no home. @throws {HomeBusy} if another process has it and cannot be called. */
export async function openSession(home: string | undefined): Promise<Session> {
  const folder = homeFolder(home)
  await assertHome(folder)
  const ports = await realPorts(folder)
  const running = await callRunning(folder, await readFile(ports.disk, TOKEN_FILE))
  if (running !== undefined) return new Session(running, true)
  // It would listen where the peer itself will; a node of the moment only calls out.
  const node = await Node.open(ports, callingOut)
  await node.start()
  await settle(node)
  const perform = performer(node, () => {})
  const caller: Caller = {
    call: (name, args, context = {}) => perform(name, args, context),
    close: () => node.stop()
  }
  return new Session(caller, false)
}

async function callRunning(
  folder: string,
  token: Uint8Array | undefined
): Promise<Caller | undefined> {
  if (token?.length !== TOKEN_BYTES) return undefined
  const wire = await dial(folder)
  return wire && new WireCaller({ wire, clock: systemClock }, token)
}

/** Waits until the other storage peers are connected, or for a moment. */
async function settle(node: Node): Promise<void> {
  const others = node.members.roster.members.size - 1
  const startedMs = systemClock.monotonic()
  while (node.network.connected().length < others) {
    if (systemClock.monotonic() - startedMs > SETTLE_MS) return
    await systemClock.sleep(50)
  }
}

/** @throws {NoMesh} A command that looks must not leave an empty home behind. */
export async function assertHome(folder: string): Promise<void> {
  await access(folder).catch(() => {
    throw new NoMesh(folder)
  })
}

/** True if the peer of a home runs and can be called. */
export async function isPeerRunning(folder: string): Promise<boolean> {
  await assertHome(folder)
  const { disk } = await realPorts(folder)
  const caller = await callRunning(folder, await readFile(disk, TOKEN_FILE))
  await caller?.close()
  return caller !== undefined
}

/** Wrong words or flags on the command line. */
export class WrongUsage extends DrystoneError {
  override readonly name = 'WrongUsage'
}
