// Heads: of each line of heads (an endpoint and one of its writers) the last that this peer knows, with its
// mark and the receipts for it. A writer keeps its own here, a keeper those that it accepted. Older ones
// stay on disk for the undo time. The last of a line is kept twice: without it, its writer could not go on.
// The marks alone are told to every member.

import { toHex } from '../store/block.ts'
import { bytesOf, decode, encode, readList } from '../store/codec.ts'
import { isTemporary, readFile, writeFile, type Disk } from '../store/disk.ts'
import { Malformed } from '../store/errors.ts'
import { HEAD_BYTES_MAX, headId, type Head } from '../store/head.ts'
import { markedHead, openMark, type Mark } from '../store/mark.ts'
import { openReceipt, type Receipt } from '../store/receipt.ts'
import { decodeRecord, encodeRecord, isBadRecord, type SignedRecord } from '../store/signed.ts'
import { peerIdText } from '../store/peer.ts'
import { readSpared, sparePath, writeSpared } from '../store/spare.ts'
import { holds } from './bases.ts'
import { HeadForked } from './errors.ts'
import { judgeMarks, judgeReceipts, type HeadReceipt, type ReceiptTable } from './head-records.ts'
import type { Members } from './mesh/members.ts'
import { RecordFolder } from './record-folder.ts'
import { HistoryMoved } from './standing-errors.ts'

const FILE_BYTES_MAX = HEAD_BYTES_MAX + 16 * 1024

export interface HeadsComponents {
  disk: Disk
  members: Members
  /** Told which file was damaged and was made whole. */
  onMended?: (path: string) => void
}

/** A head with the mark that vouches for it. */
export interface MarkedHead {
  mark: SignedRecord
  body: Uint8Array
  head: Head
}

export class Heads {
  readonly marks: RecordFolder
  readonly receipts: RecordFolder
  readonly #disk: Disk
  readonly #members: Members
  readonly #onMended: (path: string) => void
  readonly #receipts: ReceiptTable
  /** By endpoint in hex, then writer in hex. */
  readonly #lines = new Map<string, Map<string, MarkedHead>>()

  private constructor(
    { disk, members, onMended }: HeadsComponents,
    { marks, receipts, table }: { marks: RecordFolder; receipts: RecordFolder; table: ReceiptTable }
  ) {
    this.#disk = disk
    this.#members = members
    this.#onMended = onMended ?? (() => undefined)
    this.marks = marks
    this.receipts = receipts
    this.#receipts = table
    this.#noteReceipts(receipts.records())
    receipts.onAdd((added) => this.#noteReceipts(added))
  }

  static async open(components: HeadsComponents): Promise<Heads> {
    const { disk, members } = components
    const marks = await RecordFolder.open({
      disk,
      directory: 'marks',
      judge: (known, incoming) => judgeMarks(members, known, incoming)
    })
    const table: ReceiptTable = new Map()
    const receipts = await RecordFolder.open({
      disk,
      directory: 'receipts',
      judge: (_, incoming, wereKept) => judgeReceipts({ members, table }, incoming, wereKept)
    })
    const heads = new Heads(components, { marks, receipts, table })
    await heads.#load()
    // A crash may have come between a head and its mark.
    const lines = [...heads.#lines.values()].flatMap((each) => [...each.values()])
    await marks.put(lines.map(({ mark }) => mark))
    return heads
  }

  /** The last head of each line of an endpoint: the writer's, then its predecessors', latest first. */
  lines(endpoint: Uint8Array): MarkedHead[] {
    const lines = this.#lines.get(toHex(endpoint))
    return this.#writersOf(endpoint)
      .map((writer) => lines?.get(writer))
      .filter((line) => line !== undefined)
  }

  /** In hex, latest first: the one that writes it now, or last did. */
  #writersOf(endpoint: Uint8Array): string[] {
    const { endpoints } = this.#members.roster
    return [...(endpoints.get(toHex(endpoint))?.writers ?? [])].reverse()
  }

  /**
   * The head that the endpoint stands at. Its writer's goes on from those before it, so no number makes
   * up for having been replaced: another's counts only until the writer has a head of its own.
   */
  last(endpoint: Uint8Array): MarkedHead | undefined {
    return this.lines(endpoint)[0]
  }

  /** Endpoints, in hex, of which there is a head here. */
  endpoints(): string[] {
    return [...this.#lines.keys()].sort()
  }

  /**
   * Checks a head that came from outside: who signed it writes the endpoint, or did once.
   *
   * @throws {Malformed} @throws {NotSigned}
   */
  check(mark: SignedRecord, body: Uint8Array): MarkedHead {
    return this.#read(mark, body, ({ endpoint }) =>
      this.#writersOf(endpoint).includes(toHex(mark.issuer))
    )
  }

  #read(mark: SignedRecord, body: Uint8Array, mayIssue?: (mark: Mark) => boolean): MarkedHead {
    const opened = openMark(mark, this.#members.roster.mesh, mayIssue)
    return { mark, body, head: markedHead({ body: opened, record: mark }, body) }
  }

  /** Keeps a checked head, durably, and its mark. */
  async put({ mark, body, head }: MarkedHead): Promise<void> {
    const directory = directoryOf(head)
    await this.#disk.makeDirectory(directory)
    const before = this.#lines.get(toHex(head.endpoint))?.get(toHex(head.writer))?.head.seq ?? 0
    const write = head.seq < before ? writeFile : writeSpared
    await write(this.#disk, `${directory}/${head.seq}`, encode([encodeRecord(mark), body]))
    this.#remember({ mark, body, head })
    await this.marks.put([mark])
    if (before < head.seq) await this.#disk.remove(sparePath(`${directory}/${before}`))
  }

  /** Keepers' receipts for a head, one of each. */
  receiptsFor(body: Uint8Array): HeadReceipt[] {
    return [...(this.#receipts.get(toHex(headId(body)))?.values() ?? [])]
  }

  /** Keeps those of `encoded` that are receipts for this head. */
  async addReceipts({ body, head }: MarkedHead, encoded: readonly Uint8Array[]): Promise<void> {
    const { mesh } = this.#members.roster
    const [id, endpoint] = [toHex(headId(body)), toHex(head.endpoint)]
    const isFor = (receipt: Receipt): boolean =>
      toHex(receipt.head) === id && toHex(receipt.endpoint ?? new Uint8Array()) === endpoint
    await this.receipts.add(
      encoded.filter((bytes) => holds(() => openReceipt(decodeRecord(bytes), mesh, isFor)))
    )
  }

  #noteReceipts(records: Iterable<SignedRecord>): void {
    for (const record of records) {
      const receipt = openReceipt(record, this.#members.roster.mesh)
      const id = toHex(receipt.head)
      const all = this.#receipts.get(id) ?? new Map<string, HeadReceipt>()
      this.#receipts.set(id, all)
      if (!all.has(toHex(record.issuer))) all.set(toHex(record.issuer), { record, receipt })
    }
  }

  /** The highest mark that is known of each line of an endpoint, in the order of `lines`. */
  marksOf(endpoint: Uint8Array): { record: SignedRecord; mark: Mark }[] {
    const { mesh } = this.#members.roster
    const marks = [...this.marks.records()]
      .map((record) => ({ record, mark: openMark(record, mesh) }))
      .filter(({ mark }) => toHex(mark.endpoint) === toHex(endpoint))
    return this.#writersOf(endpoint).flatMap((writer) =>
      marks.filter(({ record }) => toHex(record.issuer) === writer)
    )
  }

  /**
   * Set if a mark carries this writer's signature that its last head here does not account for: its home
   * was copied or set back, and going on would bury the other branch.
   */
  fork(endpoint: Uint8Array, writer: Uint8Array): HeadForked | undefined {
    const own = this.lines(endpoint).find(({ head }) => toHex(head.writer) === toHex(writer))
    for (const { record, mark } of this.marksOf(endpoint)) {
      if (toHex(record.issuer) !== toHex(writer)) continue
      const isHigher = mark.seq > (own?.head.seq ?? 0)
      const isOther = mark.seq === own?.head.seq && toHex(mark.head) !== toHex(headId(own.body))
      if (isHigher || isOther) return new HeadForked(mark.seq, own?.head.seq ?? 0)
    }
    return undefined
  }

  /** Set if another computer took the endpoint over from this writer. */
  moved(endpoint: Uint8Array, writer: Uint8Array): HistoryMoved | undefined {
    const { endpoints, members } = this.#members.roster
    const { name = toHex(endpoint), writer: now } = endpoints.get(toHex(endpoint)) ?? {}
    if (now === undefined || toHex(now) === toHex(writer)) return undefined
    return new HistoryMoved(name, members.get(toHex(now))?.name ?? peerIdText(now))
  }

  /**
   * Every head of an endpoint (its id in hex) that lies here: of each line, by number.
   *
   * @throws {Malformed} @throws {NotSigned} if one cannot be read as what it is
   */
  async all(endpoint: string): Promise<MarkedHead[][]> {
    const lines: MarkedHead[][] = []
    for (const writer of (await this.#disk.list(`heads/${endpoint}`)) ?? []) {
      const directory = `heads/${endpoint}/${writer}`
      const line: MarkedHead[] = []
      for (const name of (await this.#disk.list(directory)) ?? []) {
        if (isTemporary(name)) continue
        const path = `${directory}/${name}`
        const bytes = await readFile(this.#disk, path, { bytesMax: FILE_BYTES_MAX })
        const marked = bytes && this.#decode(bytes)
        if (marked === undefined || `${directoryOf(marked.head)}/${marked.head.seq}` !== path) {
          throw new Malformed(`${path} is not the head of its name`, {
            next: 'Run `drystone repair`.'
          })
        }
        line.push(marked)
      }
      lines.push(line.sort((a, b) => a.head.seq - b.head.seq))
    }
    return lines
  }

  /** Lets go of a head that was replaced, and whose undo time is over. */
  async release({ head }: MarkedHead): Promise<void> {
    const last = this.#lines.get(toHex(head.endpoint))?.get(toHex(head.writer))
    if (last === undefined || last.head.seq <= head.seq) throw new TypeError('the last of a line')
    const directory = directoryOf(head)
    await this.#disk.remove(`${directory}/${head.seq}`)
    // A name that came back after a power cut would promise what a sweep has dropped by then.
    await this.#disk.syncDirectory(directory)
  }

  #remember(marked: MarkedHead): void {
    const { endpoint, writer, seq } = marked.head
    const lines = this.#lines.get(toHex(endpoint)) ?? new Map<string, MarkedHead>()
    this.#lines.set(toHex(endpoint), lines)
    const last = lines.get(toHex(writer))
    if (last === undefined || last.head.seq <= seq) lines.set(toHex(writer), marked)
  }

  async #load(): Promise<void> {
    for (const endpoint of (await this.#disk.list('heads')) ?? []) {
      for (const writer of (await this.#disk.list(`heads/${endpoint}`)) ?? []) {
        const directory = `heads/${endpoint}/${writer}`
        const names = (await this.#disk.list(directory)) ?? []
        // Who put a head may have been killed before its name was durable. Its content was already.
        await this.#disk.syncDirectory(directory)
        const spares = (await this.#disk.list(sparePath(directory))) ?? []
        const all = new Set([...names, ...spares].filter((name) => !isTemporary(name)))
        for (const name of all) await this.#loadOne(`${directory}/${name}`, spares.includes(name))
      }
    }
  }

  /** A damaged head is left where it is; the keepers have it too. */
  async #loadOne(path: string, isSpared: boolean): Promise<void> {
    try {
      const read = isSpared ? readSpared : readFile
      const bytes = await read(this.#disk, path, {
        bytesMax: FILE_BYTES_MAX,
        isWhole: (found: Uint8Array) => holds(() => this.#decode(found)),
        onMended: this.#onMended
      })
      if (bytes !== undefined) this.#remember(this.#decode(bytes))
    } catch (error) {
      if (!isBadRecord(error)) throw error
    }
  }

  #decode(bytes: Uint8Array): MarkedHead {
    const [mark, body] = readList(decode(bytes), 'head file', 2)
    const record = decodeRecord(bytesOf(1, FILE_BYTES_MAX)(mark, 'mark'))
    return this.#read(record, bytesOf(1, HEAD_BYTES_MAX)(body, 'head'))
  }
}

function directoryOf({ endpoint, writer }: Head): string {
  return `heads/${toHex(endpoint)}/${toHex(writer)}`
}
