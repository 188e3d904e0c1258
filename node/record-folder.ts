// Record folders: sets of signed records on disk, one file each, named by its id. A record is in a folder
// only after it was checked, and it is durable before anything acts on it: also one that an earlier process
// left, which may have been killed just before that. At start every file is checked again, so a damaged one
// is as good as absent, and comes back at the next hello; of the roster, without which no peer
// would be met again, each record is kept twice. Removals are never synced: a file that a power cut
// brings back is passed over by the same judgement that dropped it, for its successor was durable before.

import { toHex } from '../store/block.ts'
import { isTemporary, readFile, writeFile, type Disk } from '../store/disk.ts'
import { readSpared, sparePath, writeSpared, type SparedOptions } from '../store/spare.ts'
import {
  RECORD_BYTES_MAX,
  decodeRecord,
  encodeRecord,
  isBadRecord,
  type SignedRecord
} from '../store/signed.ts'
import type { RecordSet } from '../protocol/hello.ts'

/**
 * Which of the incoming records to keep, given those that are there; `drop` are ids that they replace.
 * Never throws for a bad record: it is just not kept. `wereKept` says that they come from this folder:
 * their issuer had standing then, and may have lost it since.
 */
export type Judge = (
  known: ReadonlyMap<string, SignedRecord>,
  incoming: readonly SignedRecord[],
  wereKept: boolean
) => { keep: readonly SignedRecord[]; drop?: readonly string[] }

export interface RecordFolderInit {
  disk: Disk
  directory: string
  judge: Judge
  /** Keeps every record twice, and says what was mended when the folder was opened. */
  spare?: Pick<SparedOptions, 'onMended'>
}

export class RecordFolder implements RecordSet {
  readonly #disk: Disk
  readonly #directory: string
  readonly #judge: Judge
  readonly #spare: RecordFolderInit['spare']
  readonly #records = new Map<string, SignedRecord>()
  readonly #listeners = new Set<(added: readonly SignedRecord[]) => void>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor({ disk, directory, judge, spare }: RecordFolderInit) {
    this.#spare = spare
    this.#disk = disk
    this.#directory = directory
    this.#judge = judge
  }

  static async open(init: RecordFolderInit): Promise<RecordFolder> {
    const folder = new RecordFolder(init)
    await folder.#load()
    return folder
  }

  /** Calls `listener` after records were added and are durable. */
  onAdd(listener: (added: readonly SignedRecord[]) => void): void {
    this.#listeners.add(listener)
  }

  records(): Iterable<SignedRecord> {
    return this.#records.values()
  }

  ids(): Iterable<string> {
    return this.#records.keys()
  }

  get(id: string): Uint8Array | undefined {
    const record = this.#records.get(id)
    return record && encodeRecord(record)
  }

  async add(encoded: readonly Uint8Array[]): Promise<void> {
    await this.put(encoded.map(readRecord).filter((record) => record !== undefined))
  }

  /** Adds what holds of `records`; returns what was new. One call at a time. */
  put(records: readonly SignedRecord[]): Promise<SignedRecord[]> {
    const turn = this.#last.then(() => this.#put(records))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #put(records: readonly SignedRecord[]): Promise<SignedRecord[]> {
    const incoming = records.filter(({ id }) => !this.#records.has(toHex(id)))
    if (incoming.length === 0) return []
    const { keep, drop = [] } = this.#judge(this.#records, incoming, false)
    const added: SignedRecord[] = []
    try {
      for (const record of keep) {
        const id = toHex(record.id)
        if (this.#records.has(id)) continue
        const write = this.#spare === undefined ? writeFile : writeSpared
        await write(this.#disk, this.#pathOf(id), encodeRecord(record))
        this.#records.set(id, record)
        added.push(record)
      }
      for (const id of drop) {
        this.#records.delete(id)
        if (this.#spare !== undefined) await this.#disk.remove(sparePath(this.#pathOf(id)))
        await this.#disk.remove(this.#pathOf(id))
      }
    } finally {
      // What is durable counts, even if the disk then failed.
      if (added.length > 0) for (const listener of this.#listeners) listener(added)
    }
    return added
  }

  async #load(): Promise<void> {
    await this.#disk.makeDirectory(this.#directory)
    await this.#disk.syncDirectory(this.#directory)
    const directories = [this.#directory, ...(this.#spare ? [sparePath(this.#directory)] : [])]
    const lists = await Promise.all(directories.map((each) => this.#disk.list(each)))
    const names = new Set(lists.flatMap((list) => list ?? []))
    const found: SignedRecord[] = []
    for (const name of [...names].filter((each) => !isTemporary(each))) {
      const record = await this.#readFile(name)
      if (record !== undefined && isNamed(record, name)) found.push(record)
    }
    for (const record of this.#judge(this.#records, found, true).keep) {
      this.#records.set(toHex(record.id), record)
    }
  }

  async #readFile(name: string): Promise<SignedRecord | undefined> {
    try {
      const read = this.#spare === undefined ? readFile : readSpared
      const isWhole = (bytes: Uint8Array): boolean => isNamed(readRecord(bytes), name)
      const options = { bytesMax: RECORD_BYTES_MAX, isWhole, ...this.#spare }
      const bytes = await read(this.#disk, this.#pathOf(name), options)
      return bytes && decodeRecord(bytes)
    } catch (error) {
      if (isBadRecord(error)) return undefined
      throw error
    }
  }

  #pathOf(id: string): string {
    return `${this.#directory}/${id}`
  }
}

function isNamed(record: SignedRecord | undefined, name: string): boolean {
  return record !== undefined && toHex(record.id) === name
}

function readRecord(bytes: Uint8Array): SignedRecord | undefined {
  try {
    return decodeRecord(bytes)
  } catch (error) {
    if (isBadRecord(error)) return undefined
    throw error
  }
}
