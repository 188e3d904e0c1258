// The small files of a home, looked at: records by their name and signature, heads by their mark, what is
// kept twice by its spare, and what a restart would miss because this process alone still knows it. It only
// reads. What a damaged file means for the home is in file-repair.ts.

import { toHex } from '../store/block.ts'
import { bytesOf, decode, readList } from '../store/codec.ts'
import { isTemporary, readFile, type Disk } from '../store/disk.ts'
import { DiskFailed, Malformed } from '../store/errors.ts'
import { HEAD_BYTES_MAX } from '../store/head.ts'
import { verify } from '../store/key.ts'
import { markedHead, openMark } from '../store/mark.ts'
import { decodeRecord, isBadRecord, signedMessage, type SignedRecord } from '../store/signed.ts'
import { isSpare, sparePath } from '../store/spare.ts'
import type { Bases } from './bases.ts'
import type { Heads } from './heads.ts'
import type { Members } from './mesh/members.ts'
import type { RecordFolder } from './record-folder.ts'

const FILE_BYTES_MAX = HEAD_BYTES_MAX + 16 * 1024
const CHUNKS_BYTES_MAX = 1 << 30
const HASH_BYTES = 32
/** Kept twice, beside the records of the roster. */
export const SPARED = ['peer.key', 'endpoint.key', 'settings.json', 'installed']
/** Nothing is lost with them but what they tell. */
export const DISPOSABLE = [
  ...['addresses.json', 'ages.json', 'bets.json', 'milestones.json', 'scrub.json', 'taken.json']
]
export const CHUNKS_FOLDER = 'base-chunks'

export interface HomeFilesComponents {
  disk: Disk
  members: Members
  heads: Heads
  bases: Bases
}

/** Folders of records, and what this process knows of each. */
export function recordFolders({
  members,
  heads,
  bases
}: Omit<HomeFilesComponents, 'disk'>): Map<string, RecordFolder> {
  return new Map([
    ['roster', members.records],
    ['bases', bases.records],
    ['base-receipts', bases.receipts],
    ['marks', heads.marks],
    ['receipts', heads.receipts]
  ])
}

/** Paths of files that are not what they should be, or that should be there and are not; sorted. */
export async function findFaults(
  components: HomeFilesComponents,
  signal?: AbortSignal
): Promise<string[]> {
  const { disk, members, heads } = components
  const faults = new Set<string>()
  const judge = async (path: string, judgement: Judgement): Promise<void> => {
    signal?.throwIfAborted()
    const { isWhole, isExpected = () => false } = judgement
    const state = await stateOf(disk, path, isWhole)
    // What was replaced meanwhile is expected no longer.
    if (state === 'damaged' || (state === 'absent' && isExpected())) faults.add(path)
  }
  for (const [folder, records] of recordFolders(components)) {
    for (const name of new Set([...(await namesIn(disk, folder)), ...records.ids()])) {
      const isExpected = (): boolean => records.get(name) !== undefined
      await judge(`${folder}/${name}`, { isWhole: (bytes) => isRecord(bytes, name), isExpected })
      if (folder === 'roster') await judgeSpared(disk, `${folder}/${name}`, faults)
    }
  }
  for (const path of new Set([...(await headsOnDisk(disk)), ...headsKnown(heads)])) {
    const isWhole = (bytes: Uint8Array): boolean => isHeadAt(path, bytes, members.roster.mesh)
    await judge(path, { isWhole, isExpected: () => headsKnown(heads).includes(path) })
    await judge(sparePath(path), { isWhole: isSpare })
  }
  for (const path of SPARED) await judgeSpared(disk, path, faults)
  for (const path of DISPOSABLE) await judge(path, { isWhole: isJson })
  for (const name of await namesIn(disk, CHUNKS_FOLDER)) {
    await judge(`${CHUNKS_FOLDER}/${name}`, { isWhole: isSortedHashes })
  }
  return [...faults].sort()
}

interface Judgement {
  isWhole: (bytes: Uint8Array) => boolean
  /** True while the file should be there; else it may be. */
  isExpected?: () => boolean
}

/** What there is of a file. One that cannot be read is damaged. */
export async function stateOf(
  disk: Disk,
  path: string,
  isWhole: (bytes: Uint8Array) => boolean
): Promise<'whole' | 'damaged' | 'absent'> {
  try {
    const bytesMax = path.startsWith(CHUNKS_FOLDER) ? CHUNKS_BYTES_MAX : FILE_BYTES_MAX
    const bytes = await readFile(disk, path, { bytesMax })
    if (bytes === undefined) return 'absent'
    return isWhole(bytes) ? 'whole' : 'damaged'
  } catch (error) {
    if (error instanceof Malformed || error instanceof DiskFailed) return 'damaged'
    throw error
  }
}

/** Names of a folder, without what was never finished. */
export async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  return ((await disk.list(folder)) ?? []).filter((name) => !isTemporary(name))
}

/** True if `bytes` are the record of this name, with a signature that holds. */
export function isRecord(bytes: Uint8Array, name: string): boolean {
  return holds(() => {
    const record = decodeRecord(bytes)
    return toHex(record.id) === name && isSigned(record)
  })
}

/** True if `bytes` are the head that belongs at a path. */
export function isHeadAt(path: string, bytes: Uint8Array, mesh: Uint8Array): boolean {
  return holds(() => {
    const [mark, body] = readList(decode(bytes), 'head file', 2)
    const record = decodeRecord(bytesOf(1, FILE_BYTES_MAX)(mark, 'mark'))
    const opened = openMark(record, mesh)
    const head = markedHead({ body: opened, record }, bytesOf(1, HEAD_BYTES_MAX)(body, 'head'))
    return headPath(head) === path
  })
}

/** Where a head lies. */
export function headPath(head: { endpoint: Uint8Array; writer: Uint8Array; seq: number }): string {
  return `heads/${toHex(head.endpoint)}/${toHex(head.writer)}/${head.seq}`
}

function headsKnown(heads: Heads): string[] {
  return heads
    .endpoints()
    .flatMap((endpoint) => heads.lines(Buffer.from(endpoint, 'hex')))
    .map(({ head }) => headPath(head))
}

async function headsOnDisk(disk: Disk): Promise<string[]> {
  const paths: string[] = []
  for (const endpoint of await namesIn(disk, 'heads')) {
    for (const writer of await namesIn(disk, `heads/${endpoint}`)) {
      const folder = `heads/${endpoint}/${writer}`
      for (const name of await namesIn(disk, folder)) paths.push(`${folder}/${name}`)
    }
  }
  return paths
}

/** What is kept twice must be there twice, and be the same. */
async function judgeSpared(disk: Disk, path: string, faults: Set<string>): Promise<void> {
  const spare = sparePath(path)
  const [here, there] = await Promise.all([path, spare].map((each) => tryReading(disk, each)))
  if (here === undefined && there === undefined) return
  if (there === undefined || !isSpare(there)) faults.add(spare)
  else if (here === undefined || Buffer.compare(there.subarray(HASH_BYTES), here) !== 0) {
    faults.add(path)
  }
}

/** Undefined if there is no such file; nothing of one that cannot be read. */
async function tryReading(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(disk, path, { bytesMax: FILE_BYTES_MAX })
  } catch (error) {
    if (error instanceof Malformed || error instanceof DiskFailed) return new Uint8Array(0)
    throw error
  }
}

function isSigned({ issuer, kind, body, signature }: SignedRecord): boolean {
  return verify(issuer, signedMessage(kind, body), signature)
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes).toString())
    return true
  } catch {
    return false
  }
}

function isSortedHashes(bytes: Uint8Array): boolean {
  if (bytes.length % HASH_BYTES !== 0) return false
  for (let at = HASH_BYTES; at < bytes.length; at += HASH_BYTES) {
    const before = bytes.subarray(at - HASH_BYTES, at)
    if (Buffer.compare(before, bytes.subarray(at, at + HASH_BYTES)) >= 0) return false
  }
  return true
}

function holds(test: () => boolean): boolean {
  try {
    return test()
  } catch (error) {
    if (isBadRecord(error)) return false
    throw error
  }
}
