// The loom: a scope of very many sealed blocks with tiny bodies, written straight into segments, as a writer
// leaves them; no index knows them. Run by itself, `node loom.ts HOME BLOCKS`, it prints the roots, and how
// many blocks it made: what that takes in memory is not the store's.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex, type Hash } from '../../store/block.ts'
import { encode } from '../../store/codec.ts'
import {
  SEGMENT_RECORDS_MAX,
  encodeFooter,
  encodeRecord,
  segmentPath,
  type Placed
} from '../../store/segment.ts'
import { METHOD_RAW, type StoredBlock } from '../../store/stored.ts'
import { sha256 } from './content.ts'

const SCOPE = '00'.repeat(16)
/** What a block links to that links to such as link to nothing, and that does itself. */
const LISTS = 100
const LEAVES = 1000
class Loom {
  readonly #home: string
  #segment = 0
  #records: Uint8Array[] = []
  #placed: Placed[] = []
  #offset = 0
  made = 0

  constructor(home: string) {
    this.#home = home
    mkdirSync(join(home, 'blocks', SCOPE), { recursive: true })
  }

  /** A tree of about `count` blocks, children first. @returns its roots */
  weave(count: number): Hash[] {
    const roots: Hash[] = []
    while (this.made < count) {
      const lists: Hash[] = []
      while (lists.length < LISTS && this.made < count) {
        lists.push(this.#put(Array.from({ length: LEAVES }, () => this.#put([]))))
      }
      roots.push(this.#put(lists))
    }
    this.#close()
    return roots
  }

  /** Of the form of a sealed block. What is under the seal is nothing, and nobody here could tell. */
  #put(links: Hash[]): Hash {
    const siv = sha256(Buffer.from(`block ${this.made++}`))
    const sorted = Buffer.concat(links.sort((a, b) => Buffer.compare(a, b)))
    const body = encode([1, 0, new Uint8Array(sorted), siv, siv])
    const hash = sha256(body)
    const stored: StoredBlock = { method: METHOD_RAW, plainLength: body.length, body }
    const record = encodeRecord(hash, stored)
    const lengths = { storedLength: body.length, plainLength: body.length }
    const location = { segment: this.#segment + 1, offset: this.#offset, ...lengths }
    this.#placed.push({ hash, location: { ...location, method: METHOD_RAW } })
    this.#records.push(record)
    this.#offset += record.length
    if (this.#placed.length >= SEGMENT_RECORDS_MAX) this.#close()
    return hash
  }

  #close(): void {
    if (this.#placed.length === 0) return
    const path = join(this.#home, segmentPath(SCOPE, ++this.#segment))
    const footer = encodeFooter(this.#placed, this.#offset)
    writeFileSync(path, Buffer.concat([...this.#records, footer]))
    this.#records = []
    this.#placed = []
    this.#offset = 0
  }
}

const [home = '', count = '0'] = process.argv.slice(2)
const loom = new Loom(home)
const roots = loom.weave(Number(count)).map((hash) => toHex(hash))
console.log(JSON.stringify({ roots, made: loom.made }))
