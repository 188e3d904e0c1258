// The sweep drops what nothing reaches, and that alone: beside writers, through crashes at any call, with the
// index lost, with the list of what was dropped damaged.

import test from 'ava'
import fc from 'fast-check'
import { SeededRandom } from '../../sim/random.ts'
import type { Blockstore } from '../../store/blockstore.ts'
import { droppedPath } from '../../store/dropped.ts'
import { SweepIncomplete } from '../../store/errors.ts'
import { sweep, type Roots, type SweepInput, type Swept } from '../../store/sweep.ts'
import {
  Loom,
  SCOPE,
  isDroppedUnknown,
  pattern,
  present,
  reached,
  refsOf,
  torn,
  weave,
  type Thread
} from './_weave.ts'

async function putAll(
  store: Blockstore,
  threads: readonly Thread[],
  flushEvery = 4
): Promise<void> {
  for (const [number, { cid, bytes }] of threads.entries()) {
    await store.put(SCOPE, cid, bytes)
    if (number % flushEvery === 0) await store.flush()
  }
  await store.flush()
}

function sweepOf(
  store: Blockstore,
  threads: readonly Thread[],
  { kept, undo = [], ...rest }: { kept: number[]; undo?: number[] } & Partial<SweepInput>
): Promise<Swept> {
  const roots = async (): Promise<Roots> => ({
    kept: refsOf(threads, kept),
    undo: refsOf(threads, undo)
  })
  return sweep({ store, scope: SCOPE, roots, ...rest })
}

/** Closed and opened again: the segment that was written to may be swept. */
async function filled(threads: readonly Thread[]): Promise<{ loom: Loom; store: Blockstore }> {
  const loom = new Loom()
  const store = await loom.open()
  await putAll(store, threads)
  await store.close()
  loom.index.release()
  return { loom, store: await loom.open() }
}

const LADDER = weave([[], [0], [1], [], [3], [4, 0]])

test('what a root reaches stays, what none reaches goes, and its space comes back', async (t) => {
  const { loom, store } = await filled(LADDER)
  const bytesBefore = loom.disk.files().reduce((sum, { length }) => sum + length, 0)
  const swept = await sweepOf(store, LADDER, { kept: [2] })
  t.is(swept.blocks, 3)
  t.deepEqual(await present(store, LADDER), [0, 1, 2])
  t.true(swept.freedBytes > 0)
  t.true(loom.disk.files().reduce((sum, { length }) => sum + length, 0) < bytesBefore)
  const { blocks } = await store.usage(SCOPE)
  t.is(blocks, 3)
})

test('a dry run says what would go, and nothing goes', async (t) => {
  const { loom, store } = await filled(LADDER)
  const before = loom.disk.files()
  const swept = await sweepOf(store, LADDER, { kept: [2], isDryRun: true })
  t.is(swept.blocks, 3)
  t.is(swept.freedBytes, 0)
  t.deepEqual(loom.disk.files(), before)
  t.deepEqual(await present(store, LADDER), [0, 1, 2, 3, 4, 5])
})

test('what only undo time keeps stays, and is counted', async (t) => {
  const { store } = await filled(LADDER)
  const swept = await sweepOf(store, LADDER, { kept: [2], undo: [4] })
  t.is(swept.keptByUndo, 2)
  t.is(swept.blocks, 1)
  t.deepEqual(await present(store, LADDER), [0, 1, 2, 3, 4])
})

test('a root that reaches a block which is not here ends the sweep before anything goes', async (t) => {
  const threads = weave([[], [0], [], [2]])
  const loom = new Loom()
  const store = await loom.open()
  for (const number of [1, 2, 3]) {
    const { cid, bytes } = threads[number] as Thread
    await store.put(SCOPE, cid, bytes)
  }
  await store.close()
  loom.index.release()
  const again = await loom.open()
  await t.throwsAsync(sweepOf(again, threads, { kept: [1] }), { instanceOf: SweepIncomplete })
  t.deepEqual(await present(again, threads), [1, 2, 3])
  const swept = await sweepOf(again, threads, { kept: [1], isElsewhere: async () => true })
  t.is(swept.blocks, 2)
})

test('blocks of young segments stay, though nothing reaches them', async (t) => {
  const { store } = await filled(LADDER)
  const swept = await sweepOf(store, LADDER, { kept: [2], isYoung: () => true })
  t.deepEqual([swept.blocks, swept.young], [0, 3])
  t.deepEqual(await present(store, LADDER), [0, 1, 2, 3, 4, 5])
})

test('an older child stays with the young parent that refers to it, and with nothing else', async (t) => {
  const { loom, store } = await filled(LADDER.slice(0, 4))
  await putAll(store, LADDER.slice(4))
  await store.close()
  loom.index.release()
  const again = await loom.open()
  const swept = await sweepOf(again, LADDER, { kept: [], isYoung: (segment) => segment === 2 })
  t.deepEqual(await present(again, LADDER), [0, 3, 4, 5])
  t.deepEqual([swept.blocks, swept.young], [2, 4])
})

test('damage is forgotten when nothing that stays refers to it, and not before', async (t) => {
  const { store } = await filled(LADDER.slice(1))
  const { hash } = LADDER[0] as Thread
  await store.blame(SCOPE, hash)
  await t.throwsAsync(sweepOf(store, LADDER, { kept: [2] }), { instanceOf: SweepIncomplete })
  t.false(await store.isWhole(SCOPE))
  await sweepOf(store, LADDER, { kept: [2, 4], isElsewhere: async () => true })
  t.false(await store.isWhole(SCOPE))
  await sweepOf(store, LADDER, { kept: [4], isDryRun: true })
  t.false(await store.isWhole(SCOPE))
  await sweepOf(store, LADDER, { kept: [4] })
  t.true(await store.isWhole(SCOPE))
  t.deepEqual(await present(store, LADDER), [3, 4])
})

/** What a job does after some turns: it relies on what it finds, and puts what it does not. */
const move = fc.record({ after: fc.nat(60), number: fc.nat(), how: fc.constantFrom('has', 'put') })

test('what a job finds or puts beside a sweep is not lost, whenever either begins and ends', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      pattern,
      fc.record({ roots: fc.array(fc.nat(), { maxLength: 2 }), stored: fc.boolean() }),
      fc.array(move, { maxLength: 6 }),
      fc.tuple(fc.nat(150), fc.nat(300)),
      async (links, { roots: drawn, stored }, moves, [sweepAfter, rootsTake]) => {
        const threads = weave(links)
        const kept = drawn.map((each) => each % threads.length)
        const here = stored ? threads.length : Math.max(-1, ...reached(threads, kept)) + 1
        const { store } = await filled(threads.slice(0, here))
        const wanted = new Set<number>()
        /** Roots that the job named in the end. */
        const named: number[] = []
        const job = store.holding(async () => {
          for (const { after, number, how } of moves) {
            const which = number % threads.length
            await turns(after)
            const all = [...reached(threads, [which])].sort((a, b) => a - b)
            const { hash } = threads[which] as Thread
            if (how === 'has') {
              if (await store.has(SCOPE, hash)) for (const each of all) wanted.add(each)
              continue
            }
            for (const each of all) {
              const { cid, bytes } = threads[each] as Thread
              await store.put(SCOPE, cid, bytes)
              wanted.add(each)
            }
          }
          await store.flush()
          named.push(...wanted)
        })
        const sweeping = turns(sweepAfter).then(() =>
          sweep({
            store,
            scope: SCOPE,
            roots: async () => {
              const answer = { kept: refsOf(threads, [...kept, ...named]), undo: [] }
              await turns(rootsTake)
              return answer
            }
          })
        )
        await Promise.all([job, sweeping])
        const there = new Set(await present(store, threads))
        for (const each of [...reached(threads, kept), ...wanted]) t.true(there.has(each))
        t.deepEqual(await torn(store, threads), [])
      }
    ),
    { numRuns: 400 }
  )
})

test('the number of a segment that was removed is not given again', async (t) => {
  const { loom, store } = await filled(LADDER)
  await sweepOf(store, LADDER, { kept: [] })
  t.deepEqual(await present(store, LADDER), [])
  await store.close()
  loom.index.release()
  const again = await loom.open()
  await putAll(again, LADDER)
  await again.close()
  loom.index.release()
  loom.index.forget()
  t.deepEqual(await present(await loom.open(), LADDER), [0, 1, 2, 3, 4, 5])
})

test('a crash at any call of a sweep loses nothing that a root reaches, and tears nothing', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      pattern,
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.record({
        call: fc.nat(120),
        seed: fc.option(fc.nat(), { nil: undefined }),
        index: fc.boolean()
      }),
      async (links, rootsDrawn, { call, seed, index }) => {
        const threads = weave(links)
        const kept = rootsDrawn.map((each) => each % threads.length)
        const must = [...reached(threads, kept)]
        const { loom, store } = await filled(threads)
        let calls = 0
        loom.disk.fault = () => {
          if (calls++ >= call) throw new Error('the power is gone')
          return undefined
        }
        await sweepOf(store, threads, { kept }).catch(() => undefined)
        loom.disk.fault = undefined
        loom.crash(seed === undefined ? undefined : new SeededRandom(`${seed}`), index)
        const again = await loom.open()
        t.deepEqual(await torn(again, threads), [])
        const there = new Set(await present(again, threads))
        for (const each of must) t.true(there.has(each))
        await sweepOf(again, threads, { kept })
        t.deepEqual(
          await present(again, threads),
          must.sort((a, b) => a - b)
        )
        // What was dropped stays so when the index is made from the segments alone.
        await again.close()
        loom.index.release()
        loom.index.forget()
        const rebuilt = await loom.open()
        t.deepEqual(await present(rebuilt, threads), must)
        t.deepEqual(await torn(rebuilt, threads), [])
      }
    ),
    { numRuns: 300 }
  )
})

test('a block that was dropped can be put again, and stays, index or not', async (t) => {
  const { loom, store } = await filled(LADDER)
  await sweepOf(store, LADDER, { kept: [2] })
  for (const { cid, bytes } of LADDER) await store.put(SCOPE, cid, bytes)
  await store.close()
  loom.index.release()
  loom.index.forget()
  const again = await loom.open()
  t.deepEqual(await present(again, LADDER), [0, 1, 2, 3, 4, 5])
  await sweepOf(again, LADDER, { kept: [5, 2] })
  t.deepEqual(await present(again, LADDER), [0, 1, 2, 3, 4, 5])
})

test('with the list of what was dropped damaged nothing is concluded until the next sweep', async (t) => {
  const { loom, store } = await filled(LADDER)
  await sweepOf(store, LADDER, { kept: [4, 2] })
  await store.close()
  loom.index.release()
  loom.disk.flip(droppedPath(SCOPE), 9)
  loom.index.forget()
  const again = await loom.open()
  t.true(await isDroppedUnknown(again))
  t.false(await again.isWhole(SCOPE))
  await sweepOf(again, LADDER, { kept: [4, 2] })
  t.true(await again.isWhole(SCOPE))
  t.deepEqual(await present(again, LADDER), [0, 1, 2, 3, 4])
  t.deepEqual(await torn(again, LADDER), [])
})

test('a full disk stops a sweep before it has dropped anything, and the next one drops it', async (t) => {
  const { loom, store } = await filled(LADDER)
  loom.disk.capacity = 0
  await t.throwsAsync(sweepOf(store, LADDER, { kept: [2] }), { name: 'DiskFull' })
  t.deepEqual(await present(store, LADDER), [0, 1, 2, 3, 4, 5])
  loom.disk.capacity = Number.MAX_SAFE_INTEGER
  t.is((await sweepOf(store, LADDER, { kept: [2] })).blocks, 3)
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}
