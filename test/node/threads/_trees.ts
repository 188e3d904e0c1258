// Real trees for packing, with files of every size at which something could go wrong, and what is opened in
// them replaced where a test needs a file that fails or never rests.

import { linkSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from '../../../store/chunker.ts'
import { systemClock, type Clock } from '../../../store/clock.ts'
import type { Sink } from '../../../store/sink.ts'
import { archive, type ArchiveInput, type Archived } from '../../../node/archiver.ts'
import type { OpenCrew } from '../../../node/packer.ts'
import { ThreadCrew, type ThreadCrewInit } from '../../../node/threads/crew.ts'
import { SLAB_BYTES } from '../../../node/threads/loader.ts'
import { openTree, type RealTree } from '../../../node/tree/real-tree.ts'
import type { Tree, TreeFile } from '../../../node/tree/tree.ts'
import { noise } from '../../store/_noise.ts'
import { makeFolder } from '../tree/folder.ts'

/** A crew of threads from the first byte on. */
export function crewOf(init: Omit<ThreadCrewInit, 'signal'> = {}): OpenCrew {
  return (sink, { signal }) => new ThreadCrew(sink, { hands: 2, littleBytes: 0, ...init, signal })
}

export async function treeAt(t: ExecutionContext, folder: string): Promise<RealTree> {
  const tree = await openTree(folder)
  t.teardown(() => tree.close())
  return tree
}

/** Sizes at which something could go wrong, with content that does and does not shrink, some of it twice. */
export function makeMixture(t: ExecutionContext): string {
  const folder = makeFolder(t)
  const put = (path: string, bytes: Uint8Array): void => writeFileSync(join(folder, path), bytes)
  for (const name of ['many', 'sizes', 'sizes/deep', 'twice', 'nothing']) {
    mkdirSync(join(folder, name))
  }
  for (let n = 0; n < 300; n++) put(`many/${n}`, Buffer.from(`file ${n % 250} `.repeat(n % 40)))
  const sizes = [
    ...[1, 15, 16, 4096, CHUNK_BYTES_MIN, CHUNK_BYTES_MIN + 1, CHUNK_BYTES_MAX],
    ...[CHUNK_BYTES_MAX + 1, SLAB_BYTES - 1, SLAB_BYTES, SLAB_BYTES + 1]
  ]
  for (const size of sizes) put(`sizes/${size}`, noise(size, size))
  put('sizes/deep/long', Buffer.concat([noise(SLAB_BYTES, 1), noise(2_000_000, 2)]))
  put('twice/long', Buffer.concat([noise(100, 3), noise(SLAB_BYTES, 1), noise(2_000_000, 2)]))
  put('twice/text', Buffer.from('the same line again and again\n'.repeat(90_000)))
  put('twice/text too', Buffer.from('the same line again and again\n'.repeat(90_000)))
  put('sparse', noise(10))
  truncateSync(join(folder, 'sparse'), 9_000_000)
  linkSync(join(folder, 'sizes/4096'), join(folder, 'linked'))
  linkSync(join(folder, 'sizes/4096'), join(folder, 'twice/linked'))
  return folder
}

/** Noise in files of one size. */
export function makeNoise(t: ExecutionContext, files: number, bytes: number): string {
  const folder = makeFolder(t)
  for (let n = 0; n < files; n++) writeFileSync(join(folder, `${n}`), noise(bytes, n))
  return folder
}

/** An hour later: what changed just now would be read twice, to be sure. */
const clock: Clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 }

export function archiveOf(
  tree: Tree,
  sink: Sink,
  extra: Partial<ArchiveInput> = {}
): Promise<Archived> {
  return archive({ tree, clock, sink, sense: { owners: true }, ...extra })
}

/** The same tree, with files opened as `open` has it. */
export function opening(tree: Tree, open: (file: TreeFile, path: string) => TreeFile): Tree {
  return {
    where: tree.where,
    stat: (path) => tree.stat(path),
    list: (path) => tree.list(path),
    open: async (path, expected) =>
      open(await tree.open(path, expected), Buffer.from(path).toString()),
    readLink: (path) => tree.readLink(path),
    xattrs: (path) => tree.xattrs(path),
    writer: () => tree.writer()
  }
}
