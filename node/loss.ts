// A mass deletion: so much of what was there is gone that it may have been a mistake, a broken disk, or
// somebody who means harm. The restore point is taken all the same; it is told, and remembered with the
// point, so that nothing that preceded it is thinned out unseen.

import type { KnownPages, Twins } from './known-pages.ts'

/** What a restore point lacks of the one before. */
export interface Loss {
  /** Entries that are gone, less those that are new: what was only moved is not lost. */
  gone: number
  /** Entries that there were. */
  of: number
}

/** Fewer are a day's work. */
const MANY = 100
/** The share of all that is told: one part in so many. */
const SHARE = 4

/** The loss, if it is one that has to be told. */
export async function lossOf(
  { added, deleted }: { added: number; deleted: number },
  pages: KnownPages,
  { before }: Twins
): Promise<Loss | undefined> {
  const gone = deleted - added
  if (gone < MANY || before === undefined) return undefined
  const of = await pages.count(before)
  return gone * SHARE >= of ? { gone, of } : undefined
}
