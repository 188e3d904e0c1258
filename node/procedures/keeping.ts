// Procedures about what is kept, and how long. What must stay is decided by the sweeper alone; here it is
// only asked.

import { z } from 'zod'
import { NoRoot } from '../errors.ts'
import { NO_RULES } from '../selection.ts'
import { procedure } from './procedure.ts'

/** More than anybody gives by hand: what is longer belongs in a `.drystoneignore`. */
const RULES_MAX = 1000
const RULE_LENGTH_MAX = 4096

export const keepingProcedures = {
  sweep: procedure(
    z.strictObject({ dryRun: z.boolean(), unfinished: z.boolean() }),
    async ({ dryRun, unfinished }, { node, signal }) =>
      node.sweeper.sweep({ isDryRun: dryRun, unfinished, signal })
  ),

  /** What restore points of this computer leave out, changed or as it is. */
  rules: procedure(
    z.strictObject({
      add: z.array(z.string().max(RULE_LENGTH_MAX)).max(RULES_MAX),
      clear: z.boolean(),
      excludeCaches: z.boolean().optional(),
      oneFileSystem: z.boolean().optional()
    }),
    async ({ add, clear, ...flags }, { node }) => {
      if (node.settings.root === undefined) throw new NoRoot()
      const before = node.settings.rules ?? NO_RULES
      const kept = clear ? NO_RULES : before
      const rules = {
        ignore: [...kept.ignore, ...add],
        excludeCaches: flags.excludeCaches ?? kept.excludeCaches,
        oneFileSystem: flags.oneFileSystem ?? kept.oneFileSystem
      }
      const changed = clear || add.length > 0 || Object.keys(flags).length > 0
      if (changed) await node.tree.follow(rules)
      return { ...rules, changed }
    }
  )
}
