// Files that are kept twice: whichever of the two rots, tears or goes, what was written last is read, and
// both are whole again.

import test from 'ava'
import fc from 'fast-check'
import { SimDisk } from '../../sim/disk/disk.ts'
import { SeededRandom } from '../../sim/random.ts'
import { writeFile } from '../../store/disk.ts'
import { Malformed } from '../../store/errors.ts'
import { readSpared, sparePath, writeSpared } from '../../store/spare.ts'

const PATH = 'endpoint.key'
const BYTES = Buffer.from('thirty-two bytes that matter much')

async function written(): Promise<SimDisk> {
  const disk = new SimDisk()
  await writeSpared(disk, PATH, BYTES)
  return disk
}

async function readBack(
  disk: SimDisk
): Promise<{ bytes: Uint8Array | undefined; mended: string[] }> {
  const mended: string[] = []
  const bytes = await readSpared(disk, PATH, { onMended: (path) => mended.push(path) })
  return { bytes, mended }
}

test('any flipped bit of either file is mended, and told once', async (t) => {
  for (const path of [PATH, sparePath(PATH)]) {
    const { length } = (await written()).read(path)
    for (let bit = 0; bit < 8 * length; bit++) {
      const disk = await written()
      disk.flip(path, bit >> 3, 1 << (bit & 7))
      const { bytes, mended } = await readBack(disk)
      t.deepEqual(bytes, new Uint8Array(BYTES))
      t.deepEqual(mended, [path])
      t.deepEqual((await readBack(disk)).mended, [])
    }
  }
})

test('a file that is gone comes back from the other', async (t) => {
  for (const path of [PATH, sparePath(PATH)]) {
    const disk = await written()
    await disk.remove(path)
    t.deepEqual(await readBack(disk), { bytes: new Uint8Array(BYTES), mended: [path] })
    t.deepEqual((await readBack(disk)).mended, [])
  }
  t.deepEqual(await readBack(new SimDisk()), { bytes: undefined, mended: [] })
})

test('a spare that is empty, or all zeros, is as good as none', async (t) => {
  for (const length of [0, 31, 65]) {
    const disk = await written()
    await writeFile(disk, sparePath(PATH), new Uint8Array(length))
    const wanted = { bytes: new Uint8Array(BYTES), mended: [sparePath(PATH)] }
    t.deepEqual(await readBack(disk), wanted)
  }
})

test('what proves itself is believed, whatever has become of its spare', async (t) => {
  const disk = await written()
  await writeFile(disk, sparePath(PATH), Buffer.alloc(80, 'garbage'))
  await t.throwsAsync(readSpared(disk, PATH), { instanceOf: Malformed })
  const isWhole = (bytes: Uint8Array): boolean => Buffer.from(bytes).equals(BYTES)
  t.deepEqual(await readSpared(disk, PATH, { isWhole }), new Uint8Array(BYTES))
  t.deepEqual((await readBack(disk)).mended, [])
})

test('damage in both is an error that names the file, and nothing is overwritten', async (t) => {
  const disk = await written()
  disk.flip(PATH, 3)
  disk.flip(sparePath(PATH), 40)
  const before = disk.files().map(({ path }) => disk.read(path))
  const error = await t.throwsAsync(readBack(disk), { instanceOf: Malformed })
  t.regex(error.message, /endpoint\.key/)
  t.deepEqual(
    disk.files().map(({ path }) => disk.read(path)),
    before
  )
})

test('a sector that cannot be read, on either side, does not matter', async (t) => {
  for (const path of [PATH, sparePath(PATH)]) {
    const disk = await written()
    disk.fault = ({ operation, path: at }) =>
      operation === 'read' && at === path ? 'EIO' : undefined
    t.deepEqual(await readSpared(disk, PATH), new Uint8Array(BYTES))
  }
})

test('a full disk keeps nobody from reading what is whole', async (t) => {
  const disk = await written()
  disk.flip(PATH, 0)
  disk.capacity = 0
  t.deepEqual((await readBack(disk)).bytes, new Uint8Array(BYTES))
})

test('a power cut at any call leaves the old bytes or the new, and one of them for good', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 40 }), async (seed, calls) => {
      const disk = await written()
      let count = 0
      disk.fault = () => {
        if (++count > calls) throw new Error('the power is gone')
        return undefined
      }
      const wrote = await writeSpared(disk, PATH, Buffer.from('what came later')).then(
        () => true,
        () => false
      )
      disk.fault = undefined
      disk.crash(new SeededRandom(`${seed}`))
      const { bytes } = await readBack(disk)
      const text = Buffer.from(bytes ?? []).toString()
      t.true(text === 'what came later' || (!wrote && text === BYTES.toString()))
      disk.crash(new SeededRandom(`${seed} again`))
      t.deepEqual((await readBack(disk)).bytes, bytes)
    })
  )
})

test('what does not prove itself is neither believed nor kept twice', async (t) => {
  const isWhole = (bytes: Uint8Array): boolean => Buffer.from(bytes).equals(BYTES)
  const disk = await written()
  disk.flip(PATH, 1)
  await disk.remove(sparePath(PATH))
  await t.throwsAsync(readSpared(disk, PATH, { isWhole }), { instanceOf: Malformed })
  t.false(disk.files().some(({ path }) => path === sparePath(PATH)))
})
