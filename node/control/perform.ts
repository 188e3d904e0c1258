// All procedures in one table: the whole control API, and the only way in for every command. The types of
// arguments and results come from the table, so a command cannot ask for what is not there.

import type { z } from 'zod'
import { UnknownCall } from '../errors.ts'
import type { Node } from '../node.ts'
import { baseProcedures } from '../procedures/bases.ts'
import { careProcedures } from '../procedures/care.ts'
import { courierProcedures } from '../procedures/courier.ts'
import { keepingProcedures } from '../procedures/keeping.ts'
import { historyProcedures } from '../procedures/history.ts'
import { meshProcedures } from '../procedures/mesh.ts'
import { policyProcedures } from '../procedures/policy.ts'
import { retentionProcedures } from '../procedures/retention.ts'
import { Parcels } from '../procedures/parcels.ts'
import { runProcedure } from '../procedures/procedure.ts'
import { Readings } from '../procedures/readings.ts'
import type { CallContext, Perform } from './call.ts'

const PROCEDURES = {
  ...meshProcedures,
  ...baseProcedures,
  ...historyProcedures,
  ...careProcedures,
  ...keepingProcedures,
  ...courierProcedures,
  ...retentionProcedures,
  ...policyProcedures
}

export type Procedures = typeof PROCEDURES
export type ProcedureName = keyof Procedures
export type ArgsOf<K extends ProcedureName> = z.input<Procedures[K]['schema']>
export type ResultOf<K extends ProcedureName> = Awaited<ReturnType<Procedures[K]['run']>>

/** Performs calls on a node. `stop` is called when the caller asks the peer to stop. */
export function performer(node: Node, stop: () => void): Perform {
  const readings = new Readings()
  const parcels = new Parcels()
  return async (name, args, { onProgress = () => {}, signal }: CallContext) => {
    if (!isProcedureName(name)) throw new UnknownCall(name)
    const both = signal === undefined ? node.signal : AbortSignal.any([signal, node.signal])
    const context = { node, readings, parcels, stop, onProgress, signal: both }
    return runProcedure(PROCEDURES[name] as Procedures['status'], args, context)
  }
}

function isProcedureName(name: string): name is ProcedureName {
  return Object.hasOwn(PROCEDURES, name)
}
