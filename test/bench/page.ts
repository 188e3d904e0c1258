// Pages against the same entries as lists of DAG-CBOR, and the comparison of two directories against a bare
// merge of their names in memory.

import { decode, encode } from '@ipld/dag-cbor'
import { RAW, cidFromHash, type CID } from '../../store/block.ts'
import { writeDirectory } from '../../store/directory.ts'
import type { Entry } from '../../store/entry.ts'
import { encodePage } from '../../store/page.ts'
import { plainSink } from '../../store/sink.ts'
import { differences } from '../../store/step.ts'
import { directoryEntries } from '../../store/tree.ts'
import { MemoryBlocks } from '../store/_states.ts'
import { sha256 } from './content.ts'
import type { Bench } from './measure.ts'

const ENTRIES = 50_000
/** About what a page has. */
const GROUP = 128
/** Every so-manieth entry differs between the two directories, so that hardly a page is equal. */
const CHANGED_EVERY = 50

export async function page(): Promise<Bench[]> {
  const entries = Array.from({ length: ENTRIES }, (_, n) => entryOf(n, 0))
  const others = entries.map((entry, n) => (n % CHANGED_EVERY === 0 ? entryOf(n, 1) : entry))
  const groups = Array.from({ length: Math.ceil(ENTRIES / GROUP) }, (_, n) =>
    entries.slice(n * GROUP, (n + 1) * GROUP)
  )
  const rows = groups.map((group) => encode(group.map(rowOf)))
  const blocks = new MemoryBlocks()
  const sink = plainSink(blocks)
  const store = (list: readonly Entry[]): Promise<CID> =>
    writeDirectory(list, ({ body, links }) => sink.put('page', body, links))
  const [before, after] = [await store(entries), await store(others)]
  const amount = ENTRIES
  return [
    {
      ...{ name: 'page-encode', bare: 'DAG-CBOR of lists', unit: 'entries', amount },
      ours: () => groups.forEach((group) => void encodePage(group)),
      reference: () => groups.forEach((group) => void encode(group.map(rowOf)))
    },
    {
      ...{ name: 'page-decode', bare: 'DAG-CBOR of lists', unit: 'entries', amount },
      ours: async () => {
        let bytes = 0
        for await (const entry of directoryEntries(blocks.reader(), before)) bytes += entry.size
        return bytes
      },
      reference: () => rows.forEach((row) => void decode(row))
    },
    {
      ...{ name: 'page-join', bare: 'merging arrays in memory', unit: 'entries', amount },
      ours: async () => {
        const side = (page: CID, hash: number) => ({
          reader: blocks.reader(),
          entry: { ...folder(), page, hash: sha256(Uint8Array.of(hash)) }
        })
        let found = 0
        const empty = new Uint8Array()
        const [left, right] = [side(before, 1), side(after, 2)]
        for await (const { after } of differences(empty, left, right)) found += after ? 1 : 0
        if (found !== ENTRIES / CHANGED_EVERY) throw new Error(`${found} differences`)
      },
      reference: () => void merge(entries, others)
    }
  ]
}

function entryOf(n: number, version: number): Entry {
  const hash = sha256(Buffer.from(`${n} ${version}`))
  const size = 1000 + n
  return {
    name: new Uint8Array(Buffer.from(`file-${String(n).padStart(8, '0')}.txt`)),
    ...{ type: 'file', mode: 0o644, uid: 1000, gid: 1000, size, hash },
    mtimeNs: 1_700_000_000_123_456_789n + BigInt(n) * 1_000_000_007n,
    content: { chunks: [{ cid: cidFromHash(RAW, hash), length: size, hash }] }
  }
}

function folder(): Entry {
  const name = new Uint8Array()
  return { name, type: 'directory', mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, size: 0 }
}

function rowOf({ name, type, mode, uid, gid, mtimeNs, size, hash, content }: Entry): unknown[] {
  const chunks = content !== undefined && 'chunks' in content ? content.chunks : []
  return [
    ...[name, type, mode, uid, gid, mtimeNs, size, hash],
    chunks.map(({ cid, length }) => [cid, length])
  ]
}

function merge(a: readonly Entry[], b: readonly Entry[]): number {
  let found = 0
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i] as Entry, b[j] as Entry]
    const order = Buffer.compare(x.name, y.name)
    if (order === 0 && Buffer.compare(x.hash ?? x.name, y.hash ?? y.name) !== 0) found++
    if (order <= 0) i++
    if (order >= 0) j++
  }
  return found
}
