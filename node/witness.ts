// Witnesses: what a file's inode and change time were when its content was last known. With equal size,
// time and witness a file is taken for unchanged and not read. They are compared for equality, never for
// order, since clocks may lie; and they are disposable: without one, a file is read.

import type { IndexSpace } from '../store/index.ts'
import { bytesOf, decode, encode, integerOf, readList } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import type { TreePath, TreeStat } from './tree/tree.ts'

/** Changes closer to now than this could be followed by another that leaves no trace in the times. */
const RACY_MS = 60_000

export interface Witness {
  inode: bigint
  ctimeNs: bigint
  /** Only the content is known to be the previous entry's, not its metadata: the bet of `adopt`. */
  contentOnly: boolean
  /** The file system, of a directory. */
  device?: bigint
}

/** The witnesses of one directory, by name in latin1; its own stands under SELF. */
export type DirectoryWitnesses = Map<string, Witness>

/** No name is empty. */
export const SELF = ''

export function witnessKey(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

/** A witness as found, whatever the time. */
export function witnessOf(stat: TreeStat, contentOnly = false): Witness {
  return { inode: stat.inode, ctimeNs: stat.ctimeNs, contentOnly }
}

/** A directory's own: it tells when a file system that was mounted there is gone. */
export function selfWitness(stat: TreeStat): Witness {
  return { ...witnessOf(stat), device: stat.device }
}

/** True if a directory lies on another file system than when it was seen last. */
export function isElsewhere(stat: TreeStat, witnesses: DirectoryWitnesses): boolean {
  const device = witnesses.get(SELF)?.device
  return device !== undefined && device !== stat.device
}

/** True if a file changed so lately that a later change might not show. `nowMs` is wall time. */
export function isRacy(stat: TreeStat, nowMs: number): boolean {
  return stat.ctimeNs > BigInt(Math.floor(nowMs - RACY_MS)) * 1_000_000n
}

export function isWitnessed(stat: TreeStat, witness: Witness | undefined): witness is Witness {
  return witness?.inode === stat.inode && witness.ctimeNs === stat.ctimeNs
}

/** True if both say the same of every name. */
export function sameWitnesses(a: DirectoryWitnesses, b: DirectoryWitnesses): boolean {
  if (a.size !== b.size) return false
  for (const [name, one] of a) {
    const other = b.get(name)
    if (
      other?.inode !== one.inode ||
      other.ctimeNs !== one.ctimeNs ||
      other.contentOnly !== one.contentOnly ||
      other.device !== one.device
    ) {
      return false
    }
  }
  return true
}

/** The witnesses of an endpoint, a record per directory. */
export class WitnessBook {
  readonly #space: IndexSpace
  /** Encoded, since a million objects would crowd out what a backup needs. */
  #pending = new Map<string, Uint8Array>()

  constructor(space: IndexSpace) {
    this.#space = space
  }

  async get(directory: TreePath): Promise<DirectoryWitnesses> {
    const bytes = await this.#space.get(keyOf(directory))
    if (bytes === undefined) return new Map()
    try {
      return decodeWitnesses(bytes)
    } catch (error) {
      // A damaged record costs a read, never a missed change.
      if (error instanceof Malformed) return new Map()
      throw error
    }
  }

  /** Remembers what a directory's witnesses will be once the state that they belong to is durable. */
  set(directory: TreePath, witnesses: DirectoryWitnesses): void {
    this.#pending.set(witnessKey(directory), encodeWitnesses(witnesses))
  }

  /** Writes what was set. Called after the head is durable, or the witnesses might vouch for nothing. */
  async commit(): Promise<void> {
    const pending = this.#pending
    this.#pending = new Map()
    await this.#space.batch(
      [...pending].map(([directory, value]) => ({
        type: 'put' as const,
        key: keyOf(Buffer.from(directory, 'latin1')),
        value
      }))
    )
  }

  /** Forgets what was set since the last commit. */
  discard(): void {
    this.#pending = new Map()
  }

  /** Forgets everything: the next backup reads every file. */
  async clear(): Promise<void> {
    this.discard()
    await this.#space.clear()
  }
}

/** Level has no empty keys, and the root's path is empty. */
function keyOf(directory: TreePath): Uint8Array {
  return Buffer.concat([Buffer.from('/'), directory])
}

function encodeWitnesses(witnesses: DirectoryWitnesses): Uint8Array {
  return encode(
    [...witnesses].map(([name, { inode, ctimeNs, contentOnly, device }]) => [
      Buffer.from(name, 'latin1'),
      inode,
      ctimeNs,
      contentOnly ? 1 : 0,
      ...(device === undefined ? [] : [device])
    ])
  )
}

function decodeWitnesses(bytes: Uint8Array): DirectoryWitnesses {
  // A directory may have a million names.
  const rows = decode(bytes, { itemsMax: Number.POSITIVE_INFINITY })
  if (!Array.isArray(rows)) throw new Malformed('witnesses are not a list')
  return new Map(
    rows.map((row) => {
      const columns = Array.isArray(row) && row.length === 5 ? 5 : 4
      const [name, inode, ctimeNs, contentOnly, device] = readList(row, 'witness', columns)
      const witness: Witness = {
        inode: toBigInt(inode),
        ctimeNs: toBigInt(ctimeNs),
        contentOnly: integerOf(0, 1)(contentOnly, 'witness kind') === 1,
        ...(device !== undefined && { device: toBigInt(device) })
      }
      return [witnessKey(bytesOf(0, 4096)(name, 'witness name')), witness]
    })
  )
}

function toBigInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  return BigInt(integerOf(Number.MIN_SAFE_INTEGER)(value, 'witness number'))
}
