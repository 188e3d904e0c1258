// Procedures about how long things are kept. What must stay is decided by the sweeper alone; here it is only
// asked.

import { z } from 'zod'
import { procedure } from './procedure.ts'

export const keepingProcedures = {
  sweep: procedure(
    z.strictObject({ dryRun: z.boolean(), unfinished: z.boolean() }),
    async ({ dryRun, unfinished }, { node, signal }) =>
      node.sweeper.sweep({ isDryRun: dryRun, unfinished, signal })
  )
}
