import test from 'ava'
import { CID_BYTES } from '../../../store/block.ts'
import { ITEMS_MAX, decode, encode, readList } from '../../../store/codec.ts'
import { Malformed } from '../../../store/errors.ts'
import { decodeHead, encodeHead, openPoints } from '../../../store/head.ts'
import { Page, encodePage } from '../../../store/page.ts'
import { HEAD_KEY, HEAD_PLACE, pointOf } from '../../_corpus/story.ts'
import { readCorpus } from '../../_corpus/text.ts'
import { fileOf } from '../_states.ts'
import { verdictOf, type Format } from './_format.ts'
import { FORMATS } from './_formats.ts'
import { nastyMaps } from './_nasty-maps.ts'

for (const format of FORMATS) {
  test(`${format.name}: every valid sample of the corpus is read, and written again just so`, async (t) => {
    const samples = readCorpus('valid', format.name)
    t.true(samples.length > 0)
    for (const { name, bytes } of samples) t.is(await verdictOf(format, bytes), 'kept', name)
  })

  test(`${format.name}: every nasty sample of the corpus is refused in the one way`, async (t) => {
    const samples = readCorpus('nasty', format.name)
    t.true(samples.length > 0)
    for (const { name, bytes } of samples) {
      t.is(await verdictOf(format, bytes), 'refused', name)
      // With true checksums some are good: they must be no finding.
      await t.notThrowsAsync(verdictOf(format, format.proven?.(bytes) ?? bytes), name)
    }
  })

  test(`${format.name}: a valid sample cut anywhere is refused, or valid`, async (t) => {
    for (const { name, bytes } of readCorpus('valid', format.name)) {
      const step = Math.max(1, Math.floor(bytes.length / 300))
      for (let length = 0; length < bytes.length; length += step) {
        const cut = bytes.slice(0, length)
        await t.notThrowsAsync(verdictOf(format, cut), `${name}, cut at ${length}`)
        await t.notThrowsAsync(verdictOf(format, format.proven?.(cut) ?? cut))
      }
    }
  })
}

function formatOf(name: string): Format {
  const format = FORMATS.find((each) => each.name === name)
  if (format === undefined) throw new Error(`no format is called ${name}`)
  return format
}

for (const name of ['head', 'mark', 'receipt', 'base']) {
  test(`${name}: a field dropped, doubled, of another type, mesh or version is refused`, async (t) => {
    const [sample] = readCorpus('valid', name)
    const nasty = nastyMaps(name, sample!.bytes)
    t.true(nasty.length > 40)
    for (const each of nasty)
      t.is(await verdictOf(formatOf(name), each.bytes), 'refused', each.name)
  })
}

test('roster: no kind may lack, double or mistype a field, or be of another mesh', async (t) => {
  const roster = formatOf('roster')
  const kinds = new Set<string>()
  for (const { bytes } of readCorpus('valid', 'roster')) {
    const [kind, body, issuer, signature] = readList(decode(bytes), 'record', 4)
    if (typeof kind !== 'string' || !(body instanceof Uint8Array)) throw new Error('no record')
    kinds.add(kind)
    for (const nasty of nastyMaps(kind, body)) {
      const record = encode([kind, nasty.bytes, issuer, signature])
      t.is(await verdictOf(roster, roster.proven?.(record) ?? record), 'refused', nasty.name)
    }
    for (const other of ['head', 'mark', 'genesi', 'Genesis', '', '__proto__', 'constructor']) {
      t.is(await verdictOf(roster, encode([other, body, issuer, signature])), 'refused', other)
    }
  }
  t.is(kinds.size, 14)
})

test('an address of any other length is refused, whatever it is', async (t) => {
  const [{ bytes } = { bytes: new Uint8Array(0) }] = readCorpus('valid', 'cid')
  for (const length of [0, 1, 4, 35, 37, 72, 1 << 20]) {
    const other = new Uint8Array(length)
    other.set(bytes.subarray(0, Math.min(length, CID_BYTES)))
    t.is(await verdictOf(formatOf('cid'), other), 'refused', `${length} bytes`)
  }
})

test('items are counted: as many as a value may have, and no more', (t) => {
  const list = (length: number): Uint8Array => encode(new Array<number>(length).fill(0))
  t.notThrows(() => decode(list(ITEMS_MAX - 1)))
  t.throws(() => decode(list(ITEMS_MAX)), { instanceOf: Malformed, message: /items/ })
  t.notThrows(() => decode(list(ITEMS_MAX), { itemsMax: ITEMS_MAX + 1 }))
  const keys = Object.fromEntries(Array.from({ length: ITEMS_MAX / 2 }, (_, i) => [`${i}`, 0]))
  t.throws(() => decode(encode(keys)), { instanceOf: Malformed, message: /items/ })
})

test('a full page of attributes and a full head have fewer items than a value may have', (t) => {
  // Linux lists 64 KiB of names for a file, and each has at least a space of names and a letter.
  const xattrs = Array.from({ length: 8000 }, (_, i): [Uint8Array, Uint8Array] => {
    return [Buffer.from(`user.${i.toString(36).padStart(4, '0')}`), new Uint8Array(0)]
  })
  const files = ['a', 'b', 'c'].map((name) => ({ ...fileOf(name, ''), xattrs }))
  t.is([...new Page(encodePage(files).body)].length, 3)
  const points = Array.from({ length: 9000 }, (_, i) => pointOf(i))
  const bytes = encodeHead(
    { ...HEAD_PLACE, points },
    { headKey: HEAD_KEY, salt: new Uint8Array(32) }
  )
  t.is(openPoints(decodeHead(bytes), HEAD_KEY).length, points.length)
})
