// Golden fixtures: small files as Drystone writes them, so that a reader in any language has something to
// read, and so that we notice when what we write changes. All keys and inputs are fixed: who makes them
// again gets the same bytes. `node test/_fixtures/make.ts` writes them; test/store/fixtures.test.ts
// holds them against the code. FORMAT.md says what is in them, manifest.json which is what.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encryptTo, recipientOf } from '../../store/age.ts'
import { signBase } from '../../store/base.ts'
import { DAG_CBOR, RAW, cidOf, hashOf, sha256, toHex, type CID } from '../../store/block.ts'
import { buildList, type Body } from '../../store/chunk-list.ts'
import { encode } from '../../store/codec.ts'
import { directoryDigest, stateDigest } from '../../store/digest.ts'
import { writeDirectory } from '../../store/directory.ts'
import type { Entry } from '../../store/entry.ts'
import { encodeHead } from '../../store/head.ts'
import { endpointKeys, meshKeys, signingKey } from '../../store/key.ts'
import { signMark } from '../../store/mark.ts'
import { encodePage } from '../../store/page.ts'
import { ParcelList, encodeOpening } from '../../store/parcel.ts'
import { signReceipt } from '../../store/receipt.ts'
import { keepRulesOf } from '../../store/retention.ts'
import { issue, issueGenesis } from '../../store/roster-issue.ts'
import { fold } from '../../store/roster.ts'
import type { Bodies, RosterKind } from '../../store/roster-bodies.ts'
import type { FieldsOf } from '../../store/roster-issue.ts'
import { seal, sealKeys } from '../../store/seal.ts'
import { encodeFooter, encodeRecord as encodeBlock, recordLength } from '../../store/segment.ts'
import { encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { METHOD_RAW, METHOD_ZSTD, type StoredBlock } from '../../store/stored.ts'

/** One file. */
export interface Fixture {
  /** Below this folder. */
  file: string
  what: string
  bytes: Uint8Array
  /** What it says, for readers that want to compare: ids, addresses, digests. */
  says?: Record<string, string>
}

function filled(byte: number, length = 32): Uint8Array {
  return new Uint8Array(length).fill(byte)
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

/** The inputs that FORMAT.md names for its golden values. */
export const PHRASE = filled(0)
export const ROOT = filled(1)
export const ENDPOINT = filled(2, 16)
export const HELLO = bytesOf('hello\n')
export const authority = meshKeys(PHRASE).authority
export const writer = signingKey(filled(0))
export const keeper = signingKey(filled(4))
const invite = signingKey(filled(5))
export const keys = endpointKeys(ROOT)
export const SEAL_KEYS = sealKeys(keys.seal)

/** 4,096 bytes, and one frame that unpacks to them: what zstd makes differs from version to version. */
export const REPEATED = new Uint8Array(Buffer.alloc(4096, 'drystone '))
const FRAME = Buffer.from('28b52ffd60000f8500004864727973746f6e65200100f4a75f8e', 'hex')

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 1_500_000_000n, size: 0 }

function fileOf(name: string, content: Uint8Array = HELLO): Entry {
  const [hash, length] = [sha256(content), content.length]
  const chunks = length === 0 ? [] : [{ cid: cidOf(RAW, content), length, hash }]
  return { ...METADATA, name: bytesOf(name), type: 'file', size: length, hash, content: { chunks } }
}

/** Chunks that nobody has, of a file of so many. */
function chunksOf(count: number): { cid: CID; length: number; hash: Uint8Array }[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = Buffer.alloc(200_000 + i, i)
    return {
      cid: cidOf(i % 2 === 0 ? RAW : DAG_CBOR, bytes),
      length: bytes.length,
      hash: sha256(bytes)
    }
  })
}

/** One of everything that a page can hold, in the order of the names. */
export function allEntries(): Entry[] {
  const [few, many] = [chunksOf(3), cidOf(DAG_CBOR, bytesOf('a list'))]
  const size = few.reduce((sum, { length }) => sum + length, 0)
  const first = { ...fileOf('a'), mtimeNs: -1n, mode: 0o4755, uid: 1000, gid: 0xffffffff }
  return [
    {
      ...first,
      xattrs: [
        [bytesOf('user.a'), new Uint8Array()],
        [bytesOf('user.b'), filled(255, 3)]
      ]
    },
    { ...METADATA, name: bytesOf('b'), type: 'block', device: [8, 1] },
    { ...METADATA, name: bytesOf('c'), type: 'character', device: [1, 0xffffffff] },
    { ...METADATA, name: bytesOf('d'), type: 'directory', hash: filled(6), page: many },
    fileOf('empty', new Uint8Array()),
    { ...METADATA, name: bytesOf('fifo'), type: 'fifo', mode: 0o600 },
    { ...first, name: bytesOf('hard'), linkTo: bytesOf('a') },
    {
      ...METADATA,
      name: bytesOf('large'),
      type: 'file',
      size: 2 ** 40,
      hash: filled(7),
      content: { list: many }
    },
    {
      ...METADATA,
      name: bytesOf('several'),
      type: 'file',
      size,
      hash: filled(8),
      content: { chunks: few }
    },
    {
      ...METADATA,
      name: bytesOf('symlink'),
      type: 'symlink',
      mode: 0o777,
      target: filled(0xff, 2)
    },
    { ...fileOf('é'), name: filled(0xff, 3) }
  ]
}

function states(): Fixture[] {
  const page = encodePage([fileOf('a')])
  const cid = cidOf(DAG_CBOR, page.body)
  const hash = directoryDigest([fileOf('a')])
  const root: Entry = {
    ...METADATA,
    name: new Uint8Array(),
    type: 'directory',
    mode: 0o755,
    mtimeNs: 0n,
    hash,
    page: cid
  }
  const top = encodePage([root])
  return [
    block('page', 'the page of a directory with the one file `a`', page, { digest: toHex(hash) }),
    block('top', 'the top over that page', top, { digest: toHex(stateDigest(root)) }),
    block('page-all', 'a page with one of everything', encodePage(allEntries()), {
      digest: toHex(directoryDigest(allEntries()))
    })
  ]
}

function block(name: string, what: string, { body }: { body: Uint8Array }, says = {}): Fixture {
  const cid = cidOf(DAG_CBOR, body).toString()
  return { file: `${name}.block`, what, bytes: body, says: { cid, ...says } }
}

/** A directory of two pages: the first name is one after which a page ends. */
async function directories(): Promise<Fixture[]> {
  let n = 0
  while (((sha256(bytesOf(`cut ${n}`))[0] ?? 1) & 127) !== 0) n++
  const bodies: Body[] = []
  await writeDirectory([fileOf(`cut ${n}`), fileOf('last')], keep(bodies))
  const [first, last, node] = bodies
  if (first === undefined || last === undefined || node === undefined) throw new Error('no node')
  return [block('node', 'a node over two pages', node)]
}

async function lists(): Promise<Fixture[]> {
  const bodies: Body[] = []
  const chunks = chunksOf(65)
  const cid = await buildList(chunks, keep(bodies))
  const [list] = bodies
  if (list === undefined) throw new Error('no list')
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(chunks.reduce((sum, chunk) => sum + chunk.length, 0)))
  const item = Buffer.concat([cid.bytes, length])
  const above = encode(['list', 1, Buffer.concat([item, item])])
  return [
    block('list', 'a list of 65 chunks', list),
    block('list-of-lists', 'a list of level 1, of that list twice', { body: above })
  ]
}

function keep(bodies: Body[]): (body: Body) => Promise<CID> {
  return (body) => {
    bodies.push(body)
    return Promise.resolve(cidOf(DAG_CBOR, body.body))
  }
}

/** Content that zstd cannot shrink: what it makes of other content hangs on its version. */
function sealedBlocks(): Fixture[] {
  const noise = Buffer.concat(Array.from({ length: 20 }, (_, i) => sha256(filled(i))))
  const chunk = seal(SEAL_KEYS, 'chunk', HELLO, [])
  const large = seal(SEAL_KEYS, 'chunk', noise, [])
  // The cids of its chunks and their hashes are noise as well.
  const chunks = chunksOf(9).map((each) => ({ ...each, hash: sha256(each.hash) }))
  const list = encode(['list', 0, Buffer.concat(chunks.map(itemOf))])
  const links = chunks.map(({ cid }) => hashOf(cid))
  const sealed = seal(SEAL_KEYS, 'list', list, links)
  return [
    { ...asSealed('sealed-chunk', chunk.bytes), what: '`hello\\n`, sealed as a chunk' },
    { ...asSealed('sealed-noise', large.bytes), what: '640 bytes, sealed as a chunk' },
    { ...asSealed('sealed-list', sealed.bytes), what: 'a list of 9 chunks, sealed with its links' }
  ]
}

function itemOf({ cid, length, hash }: { cid: CID; length: number; hash: Uint8Array }): Uint8Array {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(length)
  return Buffer.concat([cid.bytes, number, hash])
}

function asSealed(name: string, bytes: Uint8Array): Omit<Fixture, 'what'> {
  return { file: `${name}.block`, bytes, says: { cid: cidOf(DAG_CBOR, bytes).toString() } }
}

/** The blocks of the segments, as they lie. */
const STORED: [Uint8Array, StoredBlock][] = [
  [HELLO, { method: METHOD_RAW, plainLength: HELLO.length, body: HELLO }],
  [REPEATED, { method: METHOD_ZSTD, plainLength: REPEATED.length, body: FRAME }],
  [bytesOf(''), { method: METHOD_RAW, plainLength: 0, body: bytesOf('') }]
]

function segments(): Fixture[] {
  const records = STORED.map(([bytes, stored]) => encodeBlock(sha256(bytes), stored))
  let end = 0
  const placed = STORED.map(([bytes, { method, plainLength, body }]) => {
    const location = { segment: 1, offset: end, method, storedLength: body.length, plainLength }
    end += recordLength(location)
    return { hash: sha256(bytes), location }
  })
  const [raw, packed, empty] = records
  if (raw === undefined || packed === undefined || empty === undefined) throw new Error('records')
  const file = (name: string, what: string, ...parts: Uint8Array[]): Fixture => {
    return { file: `${name}.seg`, what, bytes: Buffer.concat(parts) }
  }
  return [
    file('record-raw', 'the raw record of `hello\\n`', raw),
    file('record-zstd', 'a packed record: 4,096 bytes of `drystone ` again and again', packed),
    file('closed', 'three records and their footer', ...records, encodeFooter(placed, end)),
    file('open', 'three records without a footer', ...records),
    file('torn', 'two records, and a third that is not whole', raw, empty, packed.subarray(0, 60))
  ]
}

/** One record of each kind, each by somebody who may. */
export function rosterRecords(): Map<RosterKind, SignedRecord> {
  const policy = { copies: 2, sites: 1, undoDays: 30 }
  const recovery = `age1${'q'.repeat(58)}`
  const fields = { name: 'office', recovery, random: filled(0), policy }
  const records = new Map([
    ['genesis' as RosterKind, issueGenesis(fields, { key: authority, time: 0 })]
  ])
  const say = <K extends Exclude<RosterKind, 'genesis'>>(
    kind: K,
    key: typeof writer,
    said: FieldsOf<K>
  ) => {
    const record = issue(kind, said, { key, roster: fold(records.values()), time: 1000 })
    records.set(kind, record)
    return record
  }
  const [peer, other] = [writer.public, keeper.public]
  const roles: Bodies['member']['roles'] = ['endpoint', 'storage']
  const place = { roles, site: 'hq' }
  const claim = { endpoint: ENDPOINT, claimKey: keys.claim.public }
  say('admin', authority, { peer })
  say('publisher', authority, { peer, threshold: 1 })
  say('recovery', authority, { recipient: recipientOf(meshKeys(PHRASE).recoveryIdentity) })
  say('void', authority, { peer: other, upTo: filled(9) })
  say('policy', authority, { field: 'undoDays', value: 60 })
  say('member', writer, { peer, name: 'nas', ...place, quota: 2 ** 40, ...claim })
  const code = { id: filled(10, 16), key: invite.public, mac: filled(11) }
  say('invite', writer, { ...code, ...place, uses: 1, expires: 2000, replaces: ENDPOINT })
  say('cancel', writer, { id: filled(12, 16) })
  const join = say('join', invite, { invite: filled(10, 16), peer: other, name: 'désk', ...claim })
  say('sponsor', writer, { join: encodeRecord(join), at: 1500 })
  say('claim', keys.claim, { endpoint: ENDPOINT, peer: other, can: 'read' })
  say('revoke', writer, { peer: other, upTo: new Uint8Array(), stolen: true })
  const rules = keepRulesOf({ last: 3, withinHours: 720, daily: 7, monthly: 12 })
  say('keep', writer, { endpoint: ENDPOINT, rules })
  return records
}

function signed(file: string, what: string, record: SignedRecord, says = {}): Fixture {
  return { file, what, bytes: encodeRecord(record), says: { id: toHex(record.id), ...says } }
}

/** The age file of the endpoint's root, with all that is drawn at random fixed. */
export function escrow(): Uint8Array {
  const drawn = [filled(1, 16), filled(2), filled(3, 16)]
  const random = { bytes: () => drawn.shift() ?? new Uint8Array() }
  const recipient = recipientOf(meshKeys(PHRASE).recoveryIdentity)
  return encryptTo(recipient, Buffer.concat([ENDPOINT, ROOT]), random)
}

function promises(mesh: Uint8Array): Fixture[] {
  const [, top] = states()
  if (top === undefined) throw new Error('no top')
  const [root, digest] = [
    cidOf(DAG_CBOR, top.bytes),
    Buffer.from(top.says?.['digest'] ?? '', 'hex')
  ]
  const point = { number: 1, time: 1000, digest, root, flags: 0 }
  const place = { mesh, endpoint: ENDPOINT, writer: writer.public, seq: 1, time: 1000, bases: [] }
  const under = { headKey: keys.head, salt: filled(0) }
  const body = encodeHead({ ...place, escrow: new Uint8Array(), points: [point] }, under)
  const second = encodeHead(
    {
      ...place,
      seq: 2,
      prev: sha256(body),
      bases: [filled(13)],
      escrow: escrow(),
      points: [point, { ...point, number: 3, flags: 1 }]
    },
    { headKey: keys.head, salt: filled(14) }
  )
  const mark = signMark(body, writer)
  const receipt = { mesh, endpoint: ENDPOINT, head: sha256(body), blocks: 3, bytes: 1024, at: 2000 }
  const base = { name: 'office', serial: 2, label: '2026.11', parent: filled(13), root, digest }
  const publish = { key: writer, mesh }
  return [
    { file: 'head', what: 'a first head', bytes: body, says: { id: toHex(sha256(body)) } },
    { file: 'head-2', what: 'the next', bytes: second, says: { id: toHex(sha256(second)) } },
    { file: 'head-file', what: 'a file of heads/', bytes: encode([encodeRecord(mark), body]) },
    signed('mark', 'the mark of the first head', mark),
    signed('receipt', 'a receipt for that head', signReceipt({ ...receipt, undoDays: 30 }, keeper)),
    signed('base', 'a base', signBase({ ...base, rules: ['- /tmp'], time: 1000 }, publish)),
    { file: 'escrow.age', what: 'the escrow of the endpoint', bytes: escrow() }
  ]
}

/** The first head, its point's one block, and the papers of a mesh of one. */
function parcel(records: ReadonlyMap<string, SignedRecord>, made: readonly Fixture[]): Fixture {
  const bytesOfFile = (name: string): Uint8Array =>
    made.find(({ file }) => file === name)?.bytes ?? new Uint8Array()
  const [top, head, mark] = ['top.block', 'head', 'mark'].map(bytesOfFile)
  const genesis = records.get('genesis')
  if (!top || !head || !mark || !genesis) throw new Error('no head')
  const opening = encodeOpening({
    mesh: genesis.id,
    endpoint: ENDPOINT,
    point: { number: 1, root: cidOf(DAG_CBOR, top) },
    bases: [filled(13)],
    inside: [filled(13)],
    mark,
    head,
    papers: [encodeRecord(genesis)]
  })
  const record = encodeBlock(sha256(top), { method: METHOD_RAW, plainLength: top.length, body: top })
  const list = new ParcelList()
  list.add(sha256(top), opening.length)
  const end = list.encode(opening.length + record.length, opening.subarray(-32))
  return { file: 'parcel', what: 'a parcel', bytes: Buffer.concat([opening, record, end]) }
}

function spares(): Fixture[] {
  const bytes = encode({ v: 1, endpoint: ENDPOINT, epochs: [ROOT] })
  return [
    { file: 'endpoint.key', what: 'the keys of an endpoint', bytes },
    { file: 'spare', what: 'its spare', bytes: Buffer.concat([sha256(bytes), bytes]) }
  ]
}

export async function makeFixtures(): Promise<Fixture[]> {
  const records = rosterRecords()
  const mesh = records.get('genesis')?.id ?? new Uint8Array()
  const made = [
    ...states(),
    ...(await directories()),
    ...(await lists()),
    ...sealedBlocks(),
    ...segments(),
    ...[...records].map(([kind, record]) => signed(`roster/${kind}`, `a ${kind} record`, record)),
    ...promises(mesh),
    ...spares()
  ]
  return [...made, parcel(records, made)]
}

/** What manifest.json says. */
export function manifestOf(fixtures: readonly Fixture[]): string {
  const rows = fixtures.map(({ file, what, bytes, says }) => {
    return { file, what, bytes: bytes.length, sha256: toHex(sha256(bytes)), ...says }
  })
  return `${JSON.stringify(rows, null, 2)}\n`
}

export const FOLDER = dirname(fileURLToPath(import.meta.url))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fixtures = await makeFixtures()
  mkdirSync(join(FOLDER, 'roster'), { recursive: true })
  for (const { file, bytes } of fixtures) writeFileSync(join(FOLDER, file), bytes)
  writeFileSync(join(FOLDER, 'manifest.json'), manifestOf(fixtures))
}
