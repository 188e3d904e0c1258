import test from 'ava'
import { zstdCompressSync } from 'node:zlib'
import { Blockstore } from '../../../store/blockstore.ts'
import { cidOf, RAW } from '../../../store/block.ts'
import { openIndex } from '../../../store/index.ts'
import { Plaintext } from '../../../sim/checkers/plaintext.ts'
import { windowsOf, unpackedIn, WindowSet } from '../../../sim/checkers/windows.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { aLook, copyOf, seen, under, write, type Look } from './_scene.ts'

const look = await aLook()
const random = new SeededRandom('plain')

function check(broken: Look): Promise<string[]> {
  return new Plaintext().check(broken)
}

function contentOf(path: string): Uint8Array {
  return look.saved[0]?.states[0]?.get(path)?.bytes ?? new Uint8Array()
}

async function put(broken: Look, scope: string, block: Uint8Array): Promise<void> {
  const { disk } = seen(broken, 'attic')
  const store = await Blockstore.open({ disk, index: await openIndex({ location: undefined }) })
  await store.put(scope, cidOf(RAW, block), block)
  await store.flush()
  await store.close()
}

test('where all is sealed nothing is said', async (t) => {
  t.deepEqual(await check(copyOf(look)), [])
})

test('a piece of a private file is found wherever it lies on the disk of another', async (t) => {
  for (const path of ['photo.raw', 'small', 'letters/application-for-leave.txt']) {
    const broken = copyOf(look)
    const content = contentOf(path)
    const before = random.bytes(77)
    await write(seen(broken, 'lap').disk, 'cache/x', Buffer.concat([before, content, before]))
    const found = await check(broken)
    const expected = `lap has a piece of ${path} of desk in plain bytes in cache/x`
    t.true(found.includes(expected), found.join('\n'))
  }
})

test('its own computer may know it', async (t) => {
  const broken = copyOf(look)
  await write(seen(broken, 'desk').disk, 'cache/x', contentOf('photo.raw'))
  t.deepEqual(await check(broken), [])
})

test('a private name is found', async (t) => {
  const broken = copyOf(look)
  const names = Buffer.from('[{"name":"application-for-leave.txt"}]')
  await write(seen(broken, 'nas').disk, 'log', names)
  t.deepEqual(await check(broken), [
    'nas has the name application-for-leave.txt of desk in plain bytes in log'
  ])
})

test('a chunk that was not sealed is found, for what it holds and for what it is', async (t) => {
  const broken = copyOf(look)
  await put(broken, seen(look, 'desk').endpoint ?? '', contentOf('photo.raw'))
  const found = await check(broken)
  t.regex(found[0] ?? '', /^attic has a piece of photo\.raw of desk in plain bytes in block/)
  t.regex(found[1] ?? '', /^attic has a chunk of desk that is not sealed/)
})

test('packing is no sealing', async (t) => {
  const broken = copyOf(look)
  const letter = contentOf('letters/application-for-leave.txt')
  const packed = Buffer.concat([random.bytes(90), zstdCompressSync(letter), random.bytes(90)])
  await put(broken, 'pages', packed)
  const found = await check(broken)
  t.true(
    found.some((what) => what.startsWith('attic has a piece of letters/')),
    found.join('\n')
  )
})

test('what a keeper files as base, and no base has, is found', async (t) => {
  const broken = copyOf(look)
  await put(broken, 'base', contentOf('photo.raw'))
  t.not((await check(broken)).length, 0)
})

test('what a base has is no secret, whoever else has it', async (t) => {
  const broken = copyOf(look)
  await write(seen(broken, 'lap').disk, 'cache/x', contentOf('usr/share/dictionary.txt'))
  t.deepEqual(await check(broken), [])
})

test('what was copied from a base later is no secret, even where the base rotted', async (t) => {
  const plaintext = new Plaintext()
  const broken = copyOf(look)
  const [claim = t.fail()] = broken.saved
  const system = claim.states[0]?.get('usr/share/dictionary.txt') ?? t.fail()
  const state = new Map(claim.states[0])
  broken.saved = look.saved.map((each) => ({ ...each, states: [new Map()] }))
  broken.published = [new Map([['usr/share/dictionary.txt', system]])]
  t.deepEqual(await plaintext.check(broken), [])
  state.set('copy', { ...system, bytes: new Uint8Array(system.bytes) })
  const edited = Buffer.concat([system.bytes, random.bytes(1_000)])
  state.set('edited', { ...system, bytes: edited })
  broken.saved.push({ ...claim, point: 9, states: [state] })
  const { disk } = seen(broken, 'attic')
  const [path = ''] = under(disk, 'blocks/base/')
  disk.flip(path, 60)
  disk.flip(path, disk.read(path).length - 1)
  broken.isHealed = false
  t.deepEqual(await plaintext.check(broken), [])
  await write(seen(broken, 'lap').disk, 'cache/x', edited)
  t.deepEqual(await plaintext.check(broken), [
    'lap has a piece of edited of desk in plain bytes in cache/x'
  ])
})

test('a later look finds what came later', async (t) => {
  const plaintext = new Plaintext()
  const broken = copyOf(look)
  broken.isHealed = false
  t.deepEqual(await plaintext.check(broken), [])
  await put(broken, 'pages', contentOf('photo.raw').subarray(1000, 190_000))
  t.is((await plaintext.check(broken)).length, 1)
})

test('windows are varied, and there is none where nothing is', (t) => {
  t.deepEqual(windowsOf(new Uint8Array(1000)), [])
  t.deepEqual(windowsOf(random.bytes(23)), [])
  const marked = Buffer.concat([Buffer.alloc(200, '-'), random.bytes(32), Buffer.alloc(200, '-')])
  t.true(windowsOf(marked).length > 0)
})

test('a set finds a piece at every place, and nothing else', (t) => {
  const set = new WindowSet<string>()
  const pieces = Array.from({ length: 500 }, () => random.bytes(24))
  for (const [i, piece] of pieces.entries()) set.add(piece, `piece ${i}`)
  const hay = random.bytes(3_000)
  t.is(set.foundIn(hay).size, 0)
  for (const at of [0, 1, 1_234, 2_976]) {
    const copy = new Uint8Array(hay)
    copy.set(pieces[7] ?? [], at)
    t.deepEqual([...set.foundIn(copy)], ['piece 7'])
    copy[at + 23] = (copy[at + 23] ?? 0) ^ 1
    t.is(set.foundIn(copy).size, 0)
  }
})

test('zstd frames are unpacked wherever they lie', (t) => {
  for (const length of [0, 10, 1_000, 300_000]) {
    const text = Buffer.alloc(length, 'text that repeats itself ')
    const hidden = Buffer.concat([random.bytes(50), zstdCompressSync(text), Buffer.alloc(99)])
    t.deepEqual(
      unpackedIn(hidden).map((each) => Buffer.from(each)),
      [text]
    )
  }
  t.deepEqual(unpackedIn(Buffer.concat([Buffer.from('28b52ffd', 'hex'), random.bytes(9)])), [])
})
