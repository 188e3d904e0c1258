// The scrubber by itself: how much it reads at a time, that it goes on where it was, and what it does about
// what it finds.

import test from 'ava'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openIndex } from '../../store/index.ts'
import { Quarantine } from '../../store/quarantine.ts'
import { Ages } from '../../node/ages.ts'
import { Home } from '../../node/home.ts'
import type { Repairer } from '../../node/repairer.ts'
import { DEFAULT_SCRUB_TURN_MS, Scrubber } from '../../node/scrubber.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { noiseBlock } from '../store/_blocks.ts'

const BLOCKS = 40
const BLOCK_BYTES = 50_000
const FIRST = `blocks/${BASE_SCOPE}/00000001.seg`

async function build() {
  const disk = new SimDisk()
  const clock = new SimClock()
  const index = await openIndex({ location: undefined })
  const store = await Blockstore.open({ disk, index }, { segmentBytes: 500_000 })
  const blocks = Array.from({ length: BLOCKS }, () => noiseBlock(BLOCK_BYTES))
  for (const { cid, bytes } of blocks) await store.put(BASE_SCOPE, cid, bytes, { compress: false })
  await store.flush()
  const quarantine = await Quarantine.open(disk, store)
  const repairs: string[][] = []
  const repairer = {
    repair: async () => {
      const left = await quarantine.list()
      repairs.push(left.map(({ hash }) => toHex(hash)))
      return { repaired: [], unrepaired: left, away: [] }
    }
  } as unknown as Repairer
  const ages = await Ages.open(new Home(disk), clock)
  const start = (): Scrubber =>
    new Scrubber({
      ...{ disk, clock, ages, store, quarantine, repairer },
      roots: () => [],
      own: async () => undefined
    })
  const { signal } = new AbortController()
  /** Lets time pass, and the scrubber do what is due. */
  const turn = async (scrubber: Scrubber, ms = DEFAULT_SCRUB_TURN_MS): Promise<void> => {
    await clock.run(clock.sleep(ms))
    if (scrubber.isDue) await clock.run(scrubber.care(signal))
  }
  // When it looks for the first time it has nothing to make up for.
  await turn(start(), 10 * 60_000)
  return { disk, clock, store, blocks, quarantine, repairs, start, turn }
}

test('it reads a little every six hours, over restarts, until it has read everything', async (t) => {
  const { disk, repairs, start, turn } = await build()
  let scrubber = start()
  t.false(scrubber.isDue, 'not while the computer starts')
  let read = 0
  const places = new Set<string>()
  disk.fault = ({ operation, path }) => {
    if (operation === 'read' && path.endsWith('.seg')) read++
    return undefined
  }
  await turn(scrubber, DEFAULT_SCRUB_TURN_MS / 2)
  t.is(read, 0)
  let turns = 0
  for (; (await scrubber.state())?.finishedAt === undefined; turns++) {
    const before = read
    await turn(scrubber)
    t.true(read - before > 0 && read - before < 10, `${read - before} reads`)
    places.add(JSON.stringify(await scrubber.state()))
    scrubber = start()
  }
  t.true(turns > 4 && turns < 12, `${turns} turns for ${BLOCKS * BLOCK_BYTES} bytes`)
  t.is(places.size, turns, 'each went on')
  t.deepEqual(repairs, [])
})

test('what it finds it has repaired, at once and then after growing pauses', async (t) => {
  const { disk, store, blocks, repairs, quarantine, start, turn } = await build()
  const scrubber = start()
  disk.flip(FIRST, 100)
  await turn(scrubber)
  const [first] = blocks.map(({ hash }) => toHex(hash))
  t.deepEqual(repairs, [[first]])
  t.true(disk.files().some(({ path }) => path === `blocks/${BASE_SCOPE}/quarantine`))
  for (let i = 0; i < 12; i++) await turn(scrubber, 10 * 60_000)
  t.true(repairs.length > 3 && repairs.length < 6, `${repairs.length} in two hours`)
  const [block] = blocks
  if (block !== undefined) await store.put(BASE_SCOPE, block.cid, block.bytes)
  await store.flush()
  const before = repairs.length
  await turn(scrubber)
  t.is(repairs.length, before)
  t.deepEqual(await quarantine.list(), [])
  t.false(disk.files().some(({ path }) => path === `blocks/${BASE_SCOPE}/quarantine`))
})

test('where it was, if nobody can read that any more, it begins anew', async (t) => {
  const { disk, start, turn } = await build()
  await turn(start())
  t.not((await start().state())?.place, undefined)
  disk.flip('scrub.json', 3, 128)
  t.is(await start().state(), undefined)
  await turn(start())
  t.not((await start().state())?.place, undefined)
})
