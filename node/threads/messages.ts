// What the main thread and a packing thread say to one another. Files go over by descriptor, chunks come back
// as hashes, and only the blocks that are wanted come back as bytes: whoever asks decides what is known, so
// a thread has neither an index nor a list of what others have.

import type { SealKeys } from '../../store/seal.ts'

export interface FileOrder {
  job: number
  /** Open until the job has ended. */
  descriptor: number
  /** As it was seen, for planning only. */
  size: number
}

/** To a thread. For every load that it reports comes one `free`, and maybe a `pack` before. */
export type Order =
  | { type: 'read'; files: readonly FileOrder[] }
  | {
      type: 'pack'
      load: number
      /** Which chunks of the load, by their place in it. */
      wanted: readonly number[]
      keys: SealKeys | undefined
    }
  /** Nobody looks at its slab any more. */
  | { type: 'free'; load: number }

/** A part of a file that lies in a load: all of it, or what fitted. */
export interface Part {
  job: number
  /** Of each chunk. */
  lengths: number[]
  /** Set when there is no more of this file. */
  end?: { fingerprint: Uint8Array } | 'unreadable'
}

/** Where the body of a block lies: in the slab of its load, or, if it grew, in `grown`. */
export interface Lying {
  method: 0 | 1
  plainLength: number
  storedLength: number
  at: number
  isGrown: boolean
}

/** From a thread. */
export type Report =
  | {
      type: 'load'
      load: number
      /** Shared, so that blocks need no copy on their way. */
      slab: SharedArrayBuffer
      parts: Part[]
      /** Of all chunks of all parts, one after the other. */
      hashes: Uint8Array
      /** Bytes of files that were read for it. */
      readBytes: number
    }
  | {
      type: 'packed'
      load: number
      /** Of the blocks, in the order of `wanted`, one after the other. */
      hashes: Uint8Array
      blocks: Lying[]
      /** Bodies that are longer than their chunks, one after the other. */
      grown: Uint8Array
    }
