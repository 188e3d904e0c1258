// What the main thread and a placing thread say to one another. Blocks go over as they lie, those of many
// files in one piece of memory, which changes hands without a copy; what comes back is which files are
// done.

import type { Hash } from '../../store/block.ts'
import type { Method, StoredPlace } from '../../store/stored.ts'
import type { TreeMetadata } from '../tree/tree.ts'

/** What a placing thread is started with. */
export interface PlacingInit {
  root: string
  owners: boolean
  privileges: boolean
}

/** In the order in which they have to be taken. */
export type PlacingStep =
  | { type: 'begin'; file: number; to: Uint8Array; hash: Hash; metadata: TreeMetadata }
  | {
      type: 'block'
      file: number
      hash: Hash
      /** In a file, or in the order's own bytes. */
      lying: StoredPlace | { method: Method; plainLength: number; offset: number; length: number }
    }
  | { type: 'commit'; file: number }
  | { type: 'discard'; file: number }

/** To a thread. Each is answered, in order, when it is done. */
export interface PlacingOrder {
  steps: PlacingStep[]
  bytes: Uint8Array<ArrayBuffer>
}

/** From a thread: what became of the files that an order committed. */
export interface PlacingReport {
  ends: { file: number; warnings: string[] | undefined }[]
}
