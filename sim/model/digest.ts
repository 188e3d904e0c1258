// The digest of a state, reckoned once more from the words of store/FORMAT.md ("Digests") and from nothing
// else: two states have the same digest if, and only if, a user could see no difference.

import { createHash } from 'node:crypto'
import type { EntryState, TreeState } from './tree-state.ts'

const LABEL = 'drystone/1/dir\0'
const TYPES = ['file', 'directory', 'symlink', 'fifo', 'socket', 'block', 'character']
const NS_PER_SECOND = 1_000_000_000n
const EMPTY = Buffer.alloc(0)

/** States share the bytes of files that did not change. */
const fingerprints = new WeakMap<Uint8Array, Buffer>()

/** In hex. */
export function digestOf(state: TreeState): string {
  const children = new Map<string, string[]>()
  for (const [path, { type }] of state) {
    if (path === '' || type === 'socket') continue
    const parent = parentOf(path)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [path])
    else siblings.push(path)
  }
  const bytesOf = (path: string): Buffer => {
    const entry = state.get(path)
    if (entry === undefined) throw new Error(`nothing at ${path}, and something below it`)
    const hash = entry.type === 'directory' ? digest(path) : fingerprint(entry)
    return canonical(path, entry, hash)
  }
  const digest = (path: string): Buffer => {
    // Siblings: the order of paths is that of names.
    return directoryDigest((children.get(path) ?? []).sort().map(bytesOf))
  }
  return directoryDigest([bytesOf('')]).toString('hex')
}

function directoryDigest(entries: readonly Buffer[]): Buffer {
  const hash = createHash('sha256').update(LABEL)
  for (const entry of entries) hash.update(entry)
  return hash.digest()
}

function fingerprint({ type, bytes }: EntryState): Buffer {
  if (type !== 'file') return EMPTY
  const known = fingerprints.get(bytes)
  if (known !== undefined) return known
  const made = createHash('sha256').update(bytes).digest()
  fingerprints.set(bytes, made)
  return made
}

function canonical(path: string, entry: EntryState, hash: Buffer): Buffer {
  const { type, mode, uid, gid, mtimeNs, bytes, target, device, xattrs, linkGroup } = entry
  const head = Buffer.alloc(35)
  const nanoseconds = ((mtimeNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND
  head.writeUInt8(TYPES.indexOf(type), 0)
  head.writeUInt16BE(mode, 1)
  head.writeUInt32BE(uid, 3)
  head.writeUInt32BE(gid, 7)
  head.writeBigInt64BE((mtimeNs - nanoseconds) / NS_PER_SECOND, 11)
  head.writeUInt32BE(Number(nanoseconds), 19)
  head.writeBigUInt64BE(BigInt(bytes.length), 23)
  head.writeUInt32BE(xattrs.length, 31)
  const isDevice = type === 'block' || type === 'character'
  const hasLink = type === 'file' && linkGroup !== path
  return Buffer.concat([
    head,
    ...part(Buffer.from(path.slice(path.lastIndexOf('/') + 1), 'latin1')),
    ...part(hash),
    ...part(type === 'symlink' ? target : EMPTY),
    ...part(isDevice ? Buffer.concat([u32(device[0]), u32(device[1])]) : EMPTY),
    ...part(hasLink ? Buffer.from(linkGroup, 'latin1') : EMPTY),
    ...xattrs.flatMap((pair) => pair.flatMap((text) => part(Buffer.from(text, 'latin1'))))
  ])
}

function part(bytes: Uint8Array): Uint8Array[] {
  return [u32(bytes.length), bytes]
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
