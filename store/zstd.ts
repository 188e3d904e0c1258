// zstd, for blocks. Two thirds of what it costs to compress a small block goes into making a context, so
// one is made for each thread and used again. Node does this only beneath its streams; this file alone
// reaches there, and takes the way above them wherever something is not as it expects. Both ways give the
// same bytes, whatever was compressed before: a sealed block depends on that. Nothing leaves here that was
// not unpacked again and compared. What may come from others is unpacked with a context of its own, and
// only where it is one whole frame: half of one would leave its context in the middle of it, and spoil the
// next.

import { EventEmitter } from 'node:events'
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync
} from 'node:zlib'
import { BLOCK_BYTES_MAX } from './block.ts'

const ZSTD_LEVEL = 3
const BLOCK_WINDOW = { [constants.ZSTD_d_windowLogMax]: Math.log2(BLOCK_BYTES_MAX) }
/** zstd gives no more than this for `length` bytes; with so much room it works in one go. */
const mostOf = (length: number): number => length + (length >> 8) + 128

/**
 * The bytes as one zstd frame; undefined if it is longer than `lengthMax`, or if it does not give them back,
 * which is the fault of a machine.
 */
export function shrink(bytes: Uint8Array, lengthMax: number): Uint8Array | undefined {
  const packed = compressor.run(bytes) ?? shrinkOnce(bytes)
  if (packed.length > lengthMax) return undefined
  // A copy: the context writes its next frame to the same place.
  const frame = new Uint8Array(packed)
  const back = expander.run(frame) ?? expandOnce(frame, bytes.length)
  return back !== undefined && Buffer.compare(back, bytes) === 0 ? frame : undefined
}

/** The same without a context that is kept. */
export function shrinkOnce(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    pledgedSrcSize: bytes.length,
    chunkSize: mostOf(bytes.length)
  })
}

function expandOnce(frame: Uint8Array, lengthMax: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: lengthMax })
  } catch {
    return undefined
  }
}

/**
 * What one frame holds, at most `lengthMax` bytes: a view, until the next is unpacked. Undefined if it holds
 * something else, or asks for a larger window than a block needs: that is asking for our memory.
 */
export function unpacked(frame: Uint8Array, lengthMax: number): Uint8Array | undefined {
  if (lengthMax <= BLOCK_BYTES_MAX && isOneFrame(frame)) {
    const bytes = opener.run(frame)
    if (bytes !== undefined) return bytes.length <= lengthMax ? bytes : undefined
  }
  try {
    return zstdDecompressSync(frame, { maxOutputLength: lengthMax, params: BLOCK_WINDOW })
  } catch {
    return undefined
  }
}

const FRAME_MAGIC = 0xfd2fb528
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4

/** True if the bytes are a frame from its magic to its last block, and nothing else (RFC 8878, 3.1.1). */
export function isOneFrame(bytes: Uint8Array): boolean {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (frame.length < 5 || frame.readUInt32LE(0) !== FRAME_MAGIC) return false
  const descriptor = frame.readUInt8(4)
  const isSingle = (descriptor & 0x20) !== 0
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const checksumBytes = (descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES
  let at = 5 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes
  while (at + BLOCK_HEADER_BYTES <= frame.length) {
    const header = frame.readUIntLE(at, BLOCK_HEADER_BYTES)
    // A block of one repeated byte holds only that.
    at += BLOCK_HEADER_BYTES + (((header >> 1) & 3) === 1 ? 1 : header >> 3)
    if ((header & 1) === 1) return at + checksumBytes === frame.length
  }
  return false
}

/** What lies beneath a stream of zlib: it works on buffers, in step, and leaves in `state` what remains. */
interface Engine {
  writeSync(
    ...args: [
      ...[flush: number, input: Uint8Array, inputAt: number, inputLength: number],
      ...[output: Uint8Array, outputAt: number, outputLength: number]
    ]
  ): void
  /** Room left in the output, and bytes left of the input. */
  state: Uint32Array
}

const UNTOUCHED = 0xffffffff

/** A context that is kept. */
class Context {
  readonly #open: () => object
  /** Null where there is none to be had. */
  #engine: Engine | null | undefined
  #output: Uint8Array | undefined

  constructor(open: () => object) {
    this.#open = open
  }

  /** A view of what comes of a whole input, until the next run; undefined if there is no such way. */
  run(input: Uint8Array): Uint8Array | undefined {
    if (input.length > mostOf(BLOCK_BYTES_MAX)) return undefined
    this.#engine ??= engineOf(this.#open()) ?? null
    const engine = this.#engine
    if (engine === null) return undefined
    const output = (this.#output ??= new Uint8Array(mostOf(BLOCK_BYTES_MAX)))
    const { state } = engine
    state.fill(UNTOUCHED)
    engine.writeSync(constants.ZSTD_e_end, input, 0, input.length, output, 0, output.length)
    const [room = UNTOUCHED, rest] = state
    if (rest === 0 && room > 0 && room <= output.length) {
      return output.subarray(0, output.length - room)
    }
    // It failed, and must not be touched again: the next run makes a new one.
    this.#engine = undefined
    return undefined
  }
}

const compressor = new Context(() =>
  createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
)
const expander = new Context(() => createZstdDecompress())
/** For what may come from others. */
const opener = new Context(() => createZstdDecompress({ params: BLOCK_WINDOW }))

/** The engine of a stream, if it is as this file expects. */
function engineOf(stream: object): Engine | undefined {
  const handle: unknown = Reflect.get(stream, '_handle')
  const state: unknown = Reflect.get(stream, '_writeState')
  if (!isWriter(handle) || !(state instanceof Uint32Array) || state.length !== 2) return undefined
  // A failure is told by what it leaves in `state`; nobody listens for it otherwise.
  if (stream instanceof EventEmitter) stream.on('error', () => undefined)
  return { writeSync: (...args) => handle.writeSync(...args), state }
}

function isWriter(handle: unknown): handle is Pick<Engine, 'writeSync'> {
  if (typeof handle !== 'object' || handle === null) return false
  return 'writeSync' in handle && typeof handle.writeSync === 'function'
}
