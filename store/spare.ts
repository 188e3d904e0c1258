// Small files that nothing else could bring back, such as keys and the roster, are kept twice: under their
// name, and in `spare/` behind their SHA-256. Either one makes the other whole again. The spare is written
// first, so where the two differ and the spare holds, the spare is what was meant.

import { sha256 } from './block.ts'
import { DEFAULT_FILE_BYTES_MAX, directoryOf, readFile, writeFile, type Disk } from './disk.ts'
import { DiskFailed, DrystoneError, Malformed } from './errors.ts'

const FOLDER = 'spare'
const SUM_BYTES = 32

/** Where the spare of a file or of a directory lies. */
export function sparePath(path: string): string {
  return `${FOLDER}/${path}`
}

/** True if `bytes` are a spare, and its sum holds. */
export function isSpare(bytes: Uint8Array): boolean {
  return openSpare(bytes)?.holds === true
}

/** As writeFile does, twice. The directory of `path` must be there. */
export async function writeSpared(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await writeSpare(disk, path, bytes)
  await writeFile(disk, path, bytes)
}

export interface SparedOptions {
  bytesMax?: number
  /** Where the bytes prove themselves: no others are believed, nor put in the place of any. */
  isWhole?: (bytes: Uint8Array) => boolean
  /** Told which file was damaged or missing, after it was put in its place again. */
  onMended?: (path: string) => void
}

/**
 * The bytes of a file that is kept twice; undefined if neither is there. What is damaged is made whole, if
 * the disk takes it. @throws {Malformed} if both are damaged @throws {DiskFailed} if neither can be read
 */
export async function readSpared(
  disk: Disk,
  path: string,
  { bytesMax = DEFAULT_FILE_BYTES_MAX, isWhole, onMended = () => undefined }: SparedOptions = {}
): Promise<Uint8Array | undefined> {
  const first = await tryReading(disk, path, bytesMax)
  const second = await tryReading(disk, sparePath(path), bytesMax + SUM_BYTES)
  const spare = openSpare(second.bytes)
  if (spare?.holds === true && isWhole?.(spare.meant) !== false) {
    const { meant } = spare
    if (!isSame(first.bytes, meant)) {
      await tryMending(() => writeFile(disk, path, meant))
      onMended(path)
    }
    return meant
  }
  const found = first.bytes
  if (found === undefined) {
    const failure = first.failure ?? second.failure ?? (spare && damaged(path))
    if (failure !== undefined) throw failure
    return undefined
  }
  if (!(isWhole?.(found) ?? isLikely(found, spare))) throw damaged(path)
  await tryMending(() => writeSpare(disk, path, found))
  onMended(sparePath(path))
  return found
}

interface Spare {
  sum: Uint8Array
  meant: Uint8Array
  holds: boolean
}

/** Of a spare that rotted one part agrees with what was found: its sum, or its bytes. */
function isLikely(found: Uint8Array, spare: Spare | undefined): boolean {
  return spare === undefined || isSumOf(spare.sum, found) || isSame(found, spare.meant)
}

/** A file of which the file system left no more than a name or a length is as good as none. */
function openSpare(bytes: Uint8Array | undefined): Spare | undefined {
  if (bytes === undefined || bytes.length < SUM_BYTES || bytes.every((byte) => byte === 0)) {
    return undefined
  }
  const [sum, meant] = [bytes.subarray(0, SUM_BYTES), bytes.subarray(SUM_BYTES)]
  return { sum, meant, holds: isSumOf(sum, meant) }
}

async function writeSpare(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const spare = sparePath(path)
  await disk.makeDirectory(directoryOf(spare))
  await writeFile(disk, spare, Buffer.concat([sha256(bytes), bytes]))
}

/** A file that cannot be read, or is longer than it can be, is as good as none, if the other one is. */
async function tryReading(
  disk: Disk,
  path: string,
  bytesMax: number
): Promise<{ bytes?: Uint8Array | undefined; failure?: DrystoneError }> {
  try {
    return { bytes: await readFile(disk, path, { bytesMax }) }
  } catch (failure) {
    if (failure instanceof Malformed || failure instanceof DiskFailed) return { failure }
    throw failure
  }
}

/** A disk that takes no bytes keeps nobody from what could be read. */
async function tryMending(write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!(error instanceof DrystoneError)) throw error
  }
}

function isSumOf(sum: Uint8Array, bytes: Uint8Array): boolean {
  return isSame(sum, sha256(bytes))
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}

function damaged(path: string): Malformed {
  return new Malformed(`${path} and its spare are both damaged`, {
    next: 'Put one of them back as it was; or come back in a new home with `drystone recover`.'
  })
}
