// Procedures about how long things are kept: dropping what nothing reaches.

import { z } from 'zod'
import { procedure } from './procedure.ts'

export const keepingProcedures = {
  sweep: procedure(
    z.strictObject({ dryRun: z.boolean(), unfinished: z.boolean() }),
    async ({ dryRun, unfinished }, { node, signal }) =>
      node.sweeper.sweep({ isDryRun: dryRun, unfinished, signal })
  )
}
