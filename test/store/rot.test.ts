// Rot: any bit of any segment, and what check, quarantine, scrub and mending make of it.

import test from 'ava'
import fc from 'fast-check'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { check } from '../../store/check.ts'
import { openIndex, type Index } from '../../store/index.ts'
import { mendFromOwn, renewSegment } from '../../store/mend.ts'
import { Pace } from '../../store/pace.ts'
import { Quarantine, quarantinePath } from '../../store/quarantine.ts'
import { scrub, type ScrubPlace } from '../../store/scrub.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { noiseBlock, textBlock, type TestBlock } from './_blocks.ts'

const SCOPE = 'cd'.repeat(16)
const SEGMENT_BYTES = 3000
const HEADER_BYTES = 53

interface Built {
  disk: SimDisk
  blocks: TestBlock[]
  /** Opens what is on the disk, by this index or a new one. */
  open: (index?: Index) => Promise<Blockstore>
}

/** Eight blocks, three or so in a segment; the last segment grows, or is closed. */
async function build({ isClosed = true } = {}): Promise<Built & { store: Blockstore }> {
  const disk = new SimDisk()
  const index = await openIndex({ location: undefined })
  const open = (using: Index = index): Promise<Blockstore> =>
    Blockstore.open({ disk, index: using }, { segmentBytes: SEGMENT_BYTES })
  const store = await open()
  const blocks = Array.from({ length: 8 }, (_, i) =>
    i % 4 === 3 ? textBlock(i, 900) : noiseBlock(900)
  )
  for (const { cid, bytes } of blocks) await store.put(SCOPE, cid, bytes, { compress: true })
  await (isClosed ? store.close() : store.flush())
  return { disk, blocks, open, store: isClosed ? await open() : store }
}

/** By the format: which block a byte of a segment belongs to; undefined for a footer's. */
function ownerOf(disk: SimDisk, path: string, offset: number): string | undefined {
  const bytes = Buffer.from(disk.read(path))
  for (let at = 0; bytes.subarray(at, at + 4).toString() === 'DSR1';) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 37)
    if (offset < end) return bytes.subarray(at + 5, at + 37).toString('hex')
    at = end
  }
  return undefined
}

function segmentsOf(disk: SimDisk): { path: string; length: number }[] {
  return disk.files().filter(({ path }) => path.endsWith('.seg'))
}

function namesOf(found: readonly { hash: Uint8Array }[]): string[] {
  return found.map(({ hash }) => toHex(hash)).sort()
}

/** The block's bytes in hex. */
async function textOf(store: Blockstore, hash: Uint8Array): Promise<string> {
  return toHex((await store.get(SCOPE, hash)) ?? new Uint8Array())
}

test('whichever bit of a segment flips, a deep check names exactly the block that it hit', async (t) => {
  for (const isClosed of [true, false]) {
    const { disk, blocks, store } = await build({ isClosed })
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(7), async (where, bit) => {
        const files = segmentsOf(disk)
        let offset = where % files.reduce((sum, { length }) => sum + length, 0)
        const file = files.find(({ length }) => offset < length || ((offset -= length), false))
        const path = file?.path ?? ''
        const hit = ownerOf(disk, path, offset)
        disk.flip(path, offset, 1 << bit)
        const { damaged, missing, footers } = await check({ blockstore: store }, { deep: true })
        disk.flip(path, offset, 1 << bit)
        t.deepEqual(namesOf(damaged), hit === undefined ? [] : [hit])
        t.deepEqual(missing, [])
        t.deepEqual(footers, hit === undefined ? [path] : [])
      }),
      { numRuns: 150 }
    )
    for (const { hash, bytes } of blocks) t.is(await textOf(store, hash), toHex(bytes))
  }
})

test('what was found damaged stays known when the index is lost, and is not taken for present', async (t) => {
  const { disk, blocks, open, store } = await build()
  const quarantine = await Quarantine.open(disk, store)
  const [first] = blocks as [TestBlock]
  disk.flip('blocks/' + SCOPE + '/00000001.seg', HEADER_BYTES + 5)
  for (const { scope, hash } of (await check({ blockstore: store }, { deep: true })).damaged) {
    await store.blame(scope, hash)
  }
  await quarantine.save()
  await store.close()

  const anew = await open(await openIndex({ location: undefined }))
  t.true(await anew.has(SCOPE, first.hash), 'the segments alone say that it is there')
  const known = await Quarantine.open(disk, anew)
  t.deepEqual(namesOf(await known.list()), [toHex(first.hash)])
  t.false(await anew.has(SCOPE, first.hash))
  t.false(await anew.isWhole(SCOPE))
  t.deepEqual((await check({ blockstore: anew })).damaged, [{ scope: SCOPE, hash: first.hash }])

  await anew.put(SCOPE, first.cid, first.bytes)
  await anew.flush()
  await known.save()
  t.true(await anew.isWhole(SCOPE))
  t.false(disk.files().some(({ path }) => path === quarantinePath(SCOPE)))
  t.deepEqual((await check({ blockstore: anew }, { deep: true })).damaged, [])
})

test('a quarantine that rotted, or names what can be read, accuses nobody', async (t) => {
  const { disk, blocks, open, store } = await build()
  const quarantine = await Quarantine.open(disk, store)
  const absent = noiseBlock(20).hash
  await store.blame(SCOPE, absent)
  await quarantine.save()
  await store.close()
  const path = quarantinePath(SCOPE)
  for (let at = 0; at < disk.read(path).length; at++) {
    disk.flip(path, at)
    const other = await open(await openIndex({ location: undefined }))
    t.deepEqual(await (await Quarantine.open(disk, other)).list(), [], `byte ${at}`)
    disk.flip(path, at)
  }
  const other = await open(await openIndex({ location: undefined }))
  t.deepEqual(namesOf(await (await Quarantine.open(disk, other)).list()), [toHex(absent)])
  for (const { hash } of blocks) t.true(await other.has(SCOPE, hash))
})

test('a scrub reads all, piece by piece, goes on where it was, and finds what rots behind it', async (t) => {
  const { disk, blocks, store, open } = await build()
  const turn = async (
    using: Blockstore,
    from: ScrubPlace | undefined
  ): Promise<ScrubPlace | undefined> => (await scrub(using, { from, bytesMax: 500 })).next
  const places: (ScrubPlace | undefined)[] = []
  let at = await turn(store, undefined)
  for (; at !== undefined; at = await turn(store, at)) places.push(at)
  t.true(places.length > 3)
  t.true(await store.isWhole(SCOPE))
  disk.flip(`blocks/${SCOPE}/00000001.seg`, HEADER_BYTES + 5)
  // Half-way, in another process.
  const other = await open()
  for (at = places[2]; at !== undefined; at = await turn(other, at));
  t.true(await other.isWhole(SCOPE), 'it lies in front of the place')
  for (at = await turn(other, undefined); at !== undefined; at = await turn(other, at));
  t.false(await other.has(SCOPE, blocks[0]?.hash ?? new Uint8Array()))
  t.true(await other.has(SCOPE, blocks[1]?.hash ?? new Uint8Array()))
})

test('a segment that somebody took away is saved while it is open, else its blocks are named', async (t) => {
  for (const isOpen of [true, false]) {
    const { disk, blocks, store, open } = await build()
    const quarantine = await Quarantine.open(disk, store)
    const path = `blocks/${SCOPE}/00000001.seg`
    await disk.remove(path)
    disk.fault = (call) => (!isOpen && call.path === path ? 'EIO' : undefined)
    await scrub(store, { from: undefined, bytesMax: Infinity })
    await quarantine.save()
    const gone = await quarantine.list()
    t.is(gone.length, isOpen ? 0 : 5)
    t.deepEqual(namesOf((await check({ blockstore: store })).damaged), namesOf(gone))
    await store.close()
    const anew = await open(await openIndex({ location: undefined }))
    t.deepEqual(namesOf(await (await Quarantine.open(disk, anew)).list()), namesOf(gone))
    for (const { hash, bytes } of blocks.slice(gone.length)) {
      t.is(await textOf(anew, hash), toHex(bytes))
    }
  }
})

test('another whole record of a block, and one that the index lost, come back from here', async (t) => {
  const { disk, blocks, open, store } = await build()
  const [first] = blocks as [TestBlock]
  const early = `blocks/${SCOPE}/00000001.seg`
  disk.flip(early, HEADER_BYTES + 5)
  t.is(await store.get(SCOPE, first.hash), undefined)
  await store.put(SCOPE, first.cid, first.bytes)
  await store.close()
  // The first record was read wrongly by a cable, say; now it is the second that rots.
  disk.flip(early, HEADER_BYTES + 5)
  const late = segmentsOf(disk).at(-1)?.path ?? ''
  disk.flip(late, HEADER_BYTES + 5)
  const again = await open()
  t.is(await again.get(SCOPE, first.hash), undefined)
  await mendFromOwn(again, { scope: SCOPE, hashes: [first.hash] })
  await again.flush()
  t.is(await textOf(again, first.hash), toHex(first.bytes))
  t.true(await again.isWhole(SCOPE))
  t.deepEqual((await check({ blockstore: again }, { deep: true })).damaged, [])
})

test('what counts is moved out of a segment whose footer is damaged', async (t) => {
  const { disk, blocks, open, store } = await build()
  const [file] = segmentsOf(disk) as [{ path: string; length: number }]
  disk.flip(file.path, file.length - 1)
  const [footer = ''] = (await check({ blockstore: store })).footers
  t.is(footer, file.path)
  await renewSegment(store, { scope: SCOPE, segment: 1 })
  await store.flush()
  t.deepEqual((await check({ blockstore: store }, { deep: true })).footers, [])
  await store.close()
  const anew = await open(await openIndex({ location: undefined }))
  for (const { hash, bytes } of blocks) t.is(await textOf(anew, hash), toHex(bytes))
})

test('a pace lets no more through than it allows, and gives others their turn', async (t) => {
  const clock = new SimClock()
  const pace = new Pace(clock, 1 << 20)
  const reading = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await pace.spend(100 << 10)
  }
  await clock.run(reading())
  const seconds = clock.monotonic() / 1000
  t.true(seconds > 9.5 && seconds < 10.1, `${seconds}`)
  const fast = new Pace(clock, Infinity)
  const before = clock.monotonic()
  const racing = async (): Promise<void> => {
    for (let i = 0; i < 1000; i++) await fast.spend(1 << 20)
  }
  await clock.run(racing())
  t.is(clock.monotonic(), before)
  const signal = AbortSignal.abort()
  await t.throwsAsync(pace.spend(1, { signal }), { name: 'AbortError' })
})

test('a scope in which everything is missing is checked too', async (t) => {
  const { disk, open, store } = await build()
  await store.close()
  for (const { path } of segmentsOf(disk)) await disk.remove(path)
  const anew = await open(await openIndex({ location: undefined }))
  const hash = noiseBlock(30).hash
  await anew.blame(SCOPE, hash)
  t.deepEqual((await check({ blockstore: anew })).missing, [{ scope: SCOPE, hash }])
  t.deepEqual(await anew.scopes(), [SCOPE])
  t.not(SCOPE, BASE_SCOPE)
})
