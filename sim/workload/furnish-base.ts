// The files that all computers share: an operating system with its programs, made by nobody in the office.
// The same seed gives the same tree, times included, so a computer that was imaged with it by other means
// can adopt the base. Nothing in it is private, and nothing carries a mark.

import { joinPath, pathOf } from '../../node/tree/path.ts'
import type { SeededRandom } from '../random.ts'
import type { MemoryMetadata, MemoryTree } from '../tree/tree.ts'
import { noise, text } from './content.ts'
import type { FurnishInit } from './furnish.ts'
import { fileSizes } from './sizes.ts'

/** Where files go, by weight, with the rights they have there. */
const PLACES: readonly (readonly [path: string, mode: number])[] = [
  ['usr/bin', 0o755],
  ['usr/bin', 0o755],
  ['usr/lib', 0o644],
  ['usr/lib', 0o644],
  ['usr/lib/modules/6.1', 0o644],
  ['usr/share/doc/office suite', 0o644],
  ['usr/share/fonts', 0o644],
  ['etc', 0o644],
  ['etc/profile.d', 0o644],
  ['opt/office/plugins', 0o755]
]
const RELEASE_S = 1_700_000_000n
const NS_PER_S = 1_000_000_000n

/** Makes a system tree; call it before `furnish`, which adds to it. */
export function furnishBase(tree: MemoryTree, { random, files, bytes }: FurnishInit): void {
  const owned = (metadata: MemoryMetadata): MemoryMetadata => ({
    uid: 0,
    gid: 0,
    mtimeNs: releaseTime(random),
    ...metadata
  })
  let last: Uint8Array = new Uint8Array()
  for (const [n, size] of fileSizes(random, files, bytes).entries()) {
    const [place, mode] = random.pick(PLACES)
    const isCopy = random.chance(0.05)
    last = isCopy ? last : random.chance(0.5) ? text(random, size, 'programs') : noise(random, size)
    tree.put(joinPath(pathOf(place), pathOf(`file-${n}`)), last, owned({ mode }))
  }
  tree.put('etc/hosts', '127.0.0.1 localhost\n', owned({ mode: 0o644 }))
  tree.put('usr/bin/su', noise(random, 4096), owned({ mode: 0o4755 }))
  tree.link('usr/bin/runuser', 'usr/bin/su')
  for (const [name, target] of [
    ['bin', 'usr/bin'],
    ['lib', 'usr/lib'],
    ['etc/mtab', '/proc/mounts']
  ] as const) {
    tree.symlink(name, target, owned({}))
  }
  tree.special('var/run/queue', 'fifo')
  tree.change('var/run/queue', owned({ mode: 0o622 }))
  tree.mkdir('var/empty')
  for (const [path, { type }] of tree.each()) {
    if (type !== 'directory') continue
    tree.change(Buffer.from(path, 'latin1'), owned({ mode: 0o755 }))
  }
}

function releaseTime(random: SeededRandom): bigint {
  return (RELEASE_S - BigInt(random.below(50_000_000))) * NS_PER_S + BigInt(random.below(1e9))
}
