// What a test of malformed input needs to know of a parser, and the one property of them all: bytes become
// a value that is written again just so, or they are refused in a way that the parser names. Anything else
// that happens (another error, other bytes, a changed input, a message that would move a terminal) is a
// finding.

import { DrystoneError } from '../../../store/errors.ts'

export interface Format {
  /** Of its files in test/_corpus/. */
  name: string
  /** Names of the failures by which bytes may be refused. */
  failures: readonly string[]
  /**
   * What the bytes say, written again; undefined if the parser refuses them without a failure. Where many
   * bytes say one thing, it checks the value instead, and gives back the bytes.
   */
  again(bytes: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The bytes with true checksums and signatures, so that a change gets past these. */
  proven?(bytes: Uint8Array): Uint8Array
  /** How many mutants a property tries. */
  runs: number
}

export type Verdict = 'kept' | 'refused'

const GUARD = 0xa5
const GUARD_BYTES = 37

/** @throws {Error} if the format broke the property. */
export async function verdictOf(format: Format, bytes: Uint8Array): Promise<Verdict> {
  // Inside something larger, as in life: whoever reads past its view reads these.
  const larger = Buffer.alloc(bytes.length + 2 * GUARD_BYTES, GUARD)
  larger.set(bytes, GUARD_BYTES)
  const view = new Uint8Array(larger.buffer, larger.byteOffset + GUARD_BYTES, bytes.length)
  const again = await outcomeOf(format, view)
  if (Buffer.compare(view, bytes) !== 0) throw new Error(`${format.name}: it changed its input`)
  if (again === undefined) return 'refused'
  if (Buffer.compare(again, bytes) !== 0)
    throw new Error(`${format.name}: what was read is written in other bytes`)
  return 'kept'
}

async function outcomeOf(format: Format, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await format.again(bytes)
  } catch (error) {
    const isNamed = error instanceof DrystoneError && format.failures.includes(error.name)
    if (!isNamed || /\p{Cc}/u.test(error.message)) throw error
    return undefined
  }
}

/** A sample for what a text is read as: the text in UTF-8. */
export function textFormat(
  name: string,
  failures: readonly string[],
  { again, runs = 300 }: { again: (text: string) => string | undefined; runs?: number }
): Format {
  return {
    name,
    failures,
    runs,
    again(bytes) {
      const text = Buffer.from(bytes).toString('utf8')
      const written = again(text)
      if (written === undefined) return undefined
      // Bytes that are no UTF-8 read as another text: that text is what must be written again.
      return written === text ? bytes : Buffer.from(written)
    }
  }
}
