// The crew of threads: the same as inline, bounded, and never hanging, whatever fails.

import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { sha256, type CID, type Scope } from '../../../store/block.ts'
import { systemClock } from '../../../store/clock.ts'
import { DiskFull } from '../../../store/errors.ts'
import { BodyStateReader, openBodies } from '../../../store/reader.ts'
import { sealKeys } from '../../../store/seal.ts'
import { plainSink, sealedSink, type Sink } from '../../../store/sink.ts'
import type { StoredBlock } from '../../../store/stored.ts'
import { findEntry } from '../../../store/tree.ts'
import type { ArchiveInput } from '../../../node/archiver.ts'
import { PackerLost, Unreadable } from '../../../node/errors.ts'
import { SLAB_BYTES, SLABS } from '../../../node/threads/loader.ts'
import { pathOf } from '../../../node/tree/path.ts'
import { noise } from '../../store/_noise.ts'
import { MemoryBlocks } from '../_scene.ts'
import { makeFolder } from '../tree/folder.ts'
import { archiveOf, crewOf, makeMixture, makeNoise, opening, treeAt } from './_trees.ts'

const KEYS = sealKeys(noise(32))
const SCOPE = 'ab'

/** How every block lay when it was put, by hash. */
class Shelf extends MemoryBlocks {
  readonly stored = new Map<string, string>()

  override async putPacked(scope: Scope, cid: CID, stored: StoredBlock): Promise<void> {
    this.stored.set(cid.toString(), `${stored.method} ${stored.plainLength} ${stored.body.length}`)
    await super.putPacked(scope, cid, stored)
  }
}

function contentOf({ blocks }: MemoryBlocks): string[] {
  return [...blocks].map(([hash, { bytes }]) => `${hash} ${bytes.length}`).sort()
}

const SINKS: Record<string, (store: MemoryBlocks) => Sink> = {
  plain: plainSink,
  sealed: (store) => sealedSink(store, SCOPE, KEYS)
}

for (const [kind, sinkOf] of Object.entries(SINKS)) {
  test(`the same tree gives the same state, blocks and counts as inline: ${kind}`, async (t) => {
    const tree = await treeAt(t, makeMixture(t))
    const [inline, threaded] = [new MemoryBlocks(), new Shelf()]
    const [one, other] = [sinkOf(inline), sinkOf(threaded)]
    const expected = await archiveOf(tree, one)
    const found = await archiveOf(tree, other, { openCrew: crewOf() })
    t.deepEqual(found.skipped, [])
    t.deepEqual(found, expected)
    t.deepEqual(other.count, one.count)
    t.deepEqual(contentOf(threaded), contentOf(inline))
    t.true(threaded.stored.size > 250)

    // A second time everything is there, and is counted so; nothing is put.
    threaded.stored.clear()
    const [again, inlineAgain] = [sinkOf(threaded), sinkOf(inline)]
    const second = await archiveOf(tree, again, { openCrew: crewOf({ hands: 3 }) })
    t.true(second.root.equals(expected.root))
    await archiveOf(tree, inlineAgain)
    t.deepEqual(again.count, inlineAgain.count)
    t.is(again.count.newBlocks, 0)
    t.is(threaded.stored.size, 0)
  })
}

test('chunks that the base or the file before has are not packed again', async (t) => {
  const folder = makeMixture(t)
  const tree = await treeAt(t, folder)
  const stores = [new MemoryBlocks(), new Shelf()] as const
  const crews = [undefined, crewOf()] as const
  const counts: unknown[] = []
  const roots = await Promise.all(
    stores.map(async (store, i) => {
      const reader = new BodyStateReader(openBodies(store, new Map([[0, KEYS]])))
      const first = await archiveOf(tree, sealedSink(store, SCOPE, KEYS))
      return { reader, root: first.root, i }
    })
  )
  appendFileSync(join(folder, 'twice/long'), noise(700_000, 9))
  for (const { i, ...previous } of roots) {
    const store = stores[i] ?? t.fail()
    const sink = sealedSink(store, SCOPE, KEYS)
    const { root } = await archiveOf(tree, sink, { previous, openCrew: crews[i] })
    counts.push({ ...sink.count, root: root.toString() })
  }
  t.deepEqual(counts[1], counts[0])
  // The chunk that was last and grew, and those behind it.
  t.true(stores[1].stored.size <= 4, `${stores[1].stored.size} blocks`)
})

test('threads read no further than their slabs while nothing is stored', async (t) => {
  const files = 48
  const tree = await treeAt(t, makeNoise(t, files, 1_000_000))
  const gate = Promise.withResolvers<void>()
  const sink = plainSink(new MemoryBlocks())
  let readBytes = 0
  const slow: Sink = {
    ...sink,
    putPacked: async (blocks) => {
      readBytes += blocks.reduce((sum, { stored }) => sum + stored.plainLength, 0)
      await gate.promise
      return sink.putPacked(blocks)
    }
  }
  const archiving = archiveOf(tree, slow, { openCrew: crewOf({ hands: 1 }) })
  // Until it has come to rest.
  for (let before = -1; readBytes === 0 || before !== readBytes;) {
    before = readBytes
    await systemClock.sleep(400)
  }
  t.true(readBytes <= SLABS * SLAB_BYTES, `${readBytes} bytes were read`)
  gate.resolve()
  t.is((await archiving).count.files, files)
  t.is(sink.count.newBytes > files * 1_000_000, true)
})

async function failing(
  t: ExecutionContext,
  extra: Partial<ArchiveInput>,
  sink = plainSink(new MemoryBlocks())
): Promise<unknown> {
  const folder = makeNoise(t, 40, 1_500_000)
  const tree = await treeAt(t, folder)
  const error: unknown = await archiveOf(tree, sink, extra).then(
    () => t.fail(),
    (thrown: unknown) => thrown
  )
  const open = readdirSync('/proc/self/fd').filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`).startsWith(`${folder}/`)
    } catch {
      return false
    }
  })
  t.deepEqual(open, [], 'every file is closed')
  return error
}

test('a thread that ends before its work fails the archive by its name', async (t) => {
  const thread = new URL('./_crashing.ts', import.meta.url)
  const error = await failing(t, { openCrew: crewOf({ thread }) })
  t.true(error instanceof PackerLost)
  t.regex(String(error), /out of order/)
  const missing = new URL('./_no_such_thread.ts', import.meta.url)
  t.true((await failing(t, { openCrew: crewOf({ thread: missing }) })) instanceof PackerLost)
})

test('an abort ends the threads, and the archive with its reason', async (t) => {
  const control = new AbortController()
  const sink = plainSink(new MemoryBlocks())
  const stop: Sink = {
    ...sink,
    putPacked: async (blocks) => {
      control.abort(new Error('stop it'))
      await sink.putPacked(blocks)
    }
  }
  const error = await failing(t, { openCrew: crewOf(), signal: control.signal }, stop)
  t.regex(String(error), /stop it/)
})

test('a full disk ends the archive as it does inline', async (t) => {
  class FullBlocks extends MemoryBlocks {
    override async putPacked(): Promise<void> {
      throw new DiskFull('here')
    }
  }
  t.true(
    (await failing(t, { openCrew: crewOf() }, plainSink(new FullBlocks()))) instanceof DiskFull
  )
})

test('a file that cannot be read is named, and all others are kept', async (t) => {
  const folder = makeMixture(t)
  const real = await treeAt(t, folder)
  const directory = openSync(folder, 'r')
  t.teardown(() => closeSync(directory))
  // Reading from a directory fails; what the tree says of it is the reason.
  const tree = opening(real, (file, path) =>
    path !== 'sizes/16'
      ? file
      : {
          descriptor: directory,
          stat: () => file.stat(),
          read: async () => {
            throw new Unreadable(path, 'the disk failed')
          },
          close: () => file.close()
        }
  )
  const sink = plainSink(new MemoryBlocks())
  const { skipped, count } = await archiveOf(tree, sink, { openCrew: crewOf() })
  t.deepEqual(
    skipped.map(({ path }) => path),
    ['sizes/16']
  )
  t.regex(skipped[0]?.why ?? '', /the disk failed/)
  t.is(count.files, (await archiveOf(real, sink)).count.files - 1)
})

test('a file that changes while it is read is read again; one that never rests is named', async (t) => {
  const folder = makeFolder(t)
  for (const name of ['once', 'always']) writeFileSync(join(folder, name), noise(3_000_000, 5))
  let times = 0
  const tree = opening(await treeAt(t, folder), (file, path) => {
    if (path === 'always' || times++ === 0) appendFileSync(join(folder, path), 'more')
    return file
  })
  const store = new MemoryBlocks()
  const { skipped, root } = await archiveOf(tree, plainSink(store), { openCrew: crewOf() })
  t.deepEqual(
    skipped.map(({ path }) => path),
    ['always']
  )
  const reader = new BodyStateReader(openBodies(store))
  const entry = await findEntry(reader, root, pathOf('once'))
  t.is(entry?.size, 3_000_004)
  t.deepEqual(entry?.hash, sha256(readFileSync(join(folder, 'once'))))
})

test('a few small files are packed without a thread', async (t) => {
  const tree = await treeAt(t, makeNoise(t, 20, 1000))
  const thread = new URL('./_no_such_thread.ts', import.meta.url)
  const openCrew = crewOf({ littleBytes: 1 << 20, thread })
  const sink = plainSink(new MemoryBlocks())
  t.is((await archiveOf(tree, sink, { openCrew })).count.files, 20)
})
