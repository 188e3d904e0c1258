// Every call that a store makes on its disk is a moment at which the power can go. A workload of puts,
// flushes, closings and sweeps is run once; before each of its calls the disk and the index are put aside;
// and each of these moments is ended in several ways: all that was not synced is lost, all of it is kept,
// any part of it, torn where a disk would tear it, with the index and without. What was acknowledged is
// there and equal, nothing is there without what is below it, and opening never fails.

import test from 'ava'
import { SeededRandom } from '../../sim/random.ts'
import type { Blockstore } from '../../store/blockstore.ts'
import { sweep } from '../../store/sweep.ts'
import { Loom, SCOPE, halvesIn, present, reached, refsOf, weave, type Thread } from './_weave.ts'

/** A disk as it was before a call, and what had to outlive the power then. */
interface Moment {
  loom: Loom
  call: string
  must: readonly number[]
}

/** Runs one workload. @returns every moment of it */
async function momentsOf(seed: number): Promise<{ threads: Thread[]; moments: Moment[] }> {
  const random = new SeededRandom(`workload ${seed}`)
  const threads = weave(
    Array.from({ length: 26 }, (_, number) =>
      [...new Set([0, 1, 2].map(() => random.below(Math.max(1, number))))].filter(
        (each) => each < number && random.chance(1 / 2)
      )
    )
  )
  const loom = new Loom(2500)
  const moments: Moment[] = []
  const acknowledged = new Set<number>()
  let roots: number[] | undefined
  const put = new Set<number>()
  const must = (): number[] => {
    const stays = roots && reached(threads, roots)
    return [...acknowledged].filter((each) => stays?.has(each) ?? true)
  }
  loom.disk.fault = ({ operation, path }) => {
    if (operation === 'read' || operation === 'list') return undefined
    moments.push({ loom: loom.copy(), call: `${operation} ${path}`, must: must() })
    return undefined
  }
  let store = await loom.open()
  for (let round = 0; round < 5; round++) {
    for (const [number, { cid, bytes }] of threads.entries()) {
      if (number % 5 !== round) continue
      for (const each of reached(threads, [number])) put.add(each)
      await putBelow(store, threads, number)
      await store.put(SCOPE, cid, bytes)
      if (!random.chance(1 / 3)) continue
      await store.flush()
      for (const each of put) acknowledged.add(each)
    }
    await store.flush()
    for (const each of put) acknowledged.add(each)
    await store.close()
    loom.index.release()
    store = await loom.open()
    if (round % 2 === 0) continue
    roots = threads.flatMap((_, number) =>
      random.chance(1 / 3) && put.has(number) ? [number] : []
    )
    const kept = refsOf(threads, roots)
    await sweep({ store, scope: SCOPE, roots: async () => ({ kept, undo: [] }) })
    for (const each of [...acknowledged]) {
      if (!reached(threads, roots).has(each)) acknowledged.delete(each)
    }
    put.clear()
    for (const each of acknowledged) put.add(each)
    roots = undefined
  }
  return { threads, moments }
}

async function putBelow(
  store: Blockstore,
  threads: readonly Thread[],
  number: number
): Promise<void> {
  for (const each of [...reached(threads, [number])].sort((a, b) => a - b)) {
    const { cid, bytes } = threads[each] as Thread
    await store.put(SCOPE, cid, bytes)
  }
}

const ENDS = [
  'lost',
  'kept',
  'part',
  'part',
  'part',
  'part',
  'part',
  'no index',
  'no index'
] as const

async function failuresOf(
  { loom, call, must }: Moment,
  threads: readonly Thread[],
  { end, seed }: { end: (typeof ENDS)[number]; seed: number }
): Promise<string[]> {
  const after = loom.copy()
  if (end === 'kept') after.disk.kill()
  else after.crash(end === 'lost' ? undefined : new SeededRandom(`${seed}`), end === 'no index')
  if (end === 'kept') after.index.release()
  const failures: string[] = []
  const look = async (store: Blockstore, when: string, must: Iterable<number>) => {
    const here = new Set(await present(store, threads))
    const lost = [...must].filter((each) => !here.has(each)).map((each) => `${each} is lost`)
    const halves = (await store.isWhole(SCOPE)) ? halvesIn(threads, here) : []
    failures.push(...[...lost, ...halves].map((what) => `${call}, ${end}, ${when}: ${what}`))
    return here
  }
  const store = await after.open()
  const here = await look(store, 'opened', must)
  // What it can read now is durable once it says so: the power goes once more.
  await store.flush()
  after.crash()
  await look(await after.open(), 'opened again', here)
  return failures
}

test('at no call of a workload does the power take what was acknowledged, or leave a half', async (t) => {
  let states = 0
  const failures: string[] = []
  for (let seed = 1; seed <= 7; seed++) {
    const { threads, moments } = await momentsOf(seed)
    t.true(moments.length > 100)
    for (const [at, moment] of moments.entries()) {
      for (const [which, end] of ENDS.entries()) {
        failures.push(...(await failuresOf(moment, threads, { end, seed: at * 10 + which })))
        states++
      }
    }
  }
  t.deepEqual(failures, [])
  t.log(`${states} states`)
  t.true(states >= 10_000)
})
