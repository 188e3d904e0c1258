// A procedure of the control API: what it takes, checked by a schema, and what it does with the node. Its
// result is plain data in the very fields that `--json` prints.

import type { z } from 'zod'
import { Malformed } from '../../store/errors.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import type { Node } from '../node.ts'
import type { Parcels } from './parcels.ts'
import type { Readings } from './readings.ts'

export interface ProcedureContext {
  node: Node
  /** States that are open for reading. */
  readings: Readings
  /** Exports and imports that are under way. */
  parcels: Parcels
  /** Asks the process to stop once this call is answered. */
  stop: () => void
  onProgress: (value: unknown) => void
  signal: AbortSignal
}

export interface Procedure<Schema extends z.ZodType, Result> {
  schema: Schema
  run: (args: z.infer<Schema>, context: ProcedureContext) => Promise<Result>
}

export function procedure<Schema extends z.ZodType, Result>(
  schema: Schema,
  run: (args: z.infer<Schema>, context: ProcedureContext) => Promise<Result>
): Procedure<Schema, Result> {
  return { schema, run }
}

/** Checks the arguments, and runs. @throws {Malformed} */
export async function runProcedure<Schema extends z.ZodType, Result>(
  { schema, run }: Procedure<Schema, Result>,
  args: unknown,
  context: ProcedureContext
): Promise<Result> {
  const read = schema.safeParse(args)
  if (!read.success) throw new Malformed(`the call is not of the right form: ${read.error.message}`)
  return run(read.data, context)
}

/** ISO 8601 in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** Names of peers, sorted, so that the same peers always read the same. */
export function namesOf(node: Node, peers: readonly PeerKey[]): string[] {
  return peers.map((peer) => nameOfPeer(node, peer)).sort()
}

/** What people call a peer: its name in the roster, or its id. */
export function nameOfPeer({ members }: Node, peer: PeerKey): string {
  return members.member(peer)?.name ?? peerIdText(peer)
}
