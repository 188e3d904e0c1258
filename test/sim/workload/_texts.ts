// What is at a path, in one line of text: for comparing trees, and for the message of a failure. Contents
// stand in it by their hash.

import { createHash } from 'node:crypto'
import type { EntryState, TreeState } from '../../../sim/model/tree-state.ts'

/** States share the bytes of a file that did not change. */
const hashes = new WeakMap<Uint8Array, string>()

export function textOf(entry: EntryState | undefined): string {
  if (entry === undefined) return 'nothing'
  const { bytes, target, mtimeNs, ...rest } = entry
  const link = Buffer.from(target).toString('latin1')
  return JSON.stringify([rest, `${mtimeNs}`, link, bytes.length, hashOf(bytes)])
}

export function textsOf(state: TreeState): Map<string, string> {
  return new Map(Array.from(state, ([path, entry]) => [path, textOf(entry)]))
}

export function hashOf(bytes: Uint8Array): string {
  const known = hashes.get(bytes)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(bytes).digest('hex')
  hashes.set(bytes, hash)
  return hash
}
