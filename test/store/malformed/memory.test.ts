import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const READER = fileURLToPath(new URL('./_reader.ts', import.meta.url))
/** Of the whole process, code included. */
const HEAP_MIB = 48
/** The largest samples are a megabyte, and the collector is in no hurry. */
const GROWN_BYTES_MAX = 48 << 20

test('the whole corpus is read in a small heap, each sample by every parser', async (t) => {
  const words = [`--max-old-space-size=${HEAP_MIB}`, READER]
  const { stdout } = await promisify(execFile)(process.execPath, words)
  const { read, grownBytes } = JSON.parse(stdout) as { read: number; grownBytes: number }
  t.true(read > 400)
  t.true(grownBytes < GROWN_BYTES_MAX, `${grownBytes} bytes`)
})
