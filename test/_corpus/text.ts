// The corpus: samples of everything that a parser of store/ reads, as text that a person can read too. A
// sample is a name on a line of its own and, indented below it, its bytes: hex, or text in quotes as in
// JSON, each with `*N` for N times. valid/ holds what must be read and written again just so; nasty/ holds
// what must be refused. valid/ was made by make.ts, with fixed keys, and stays as it is when the code
// changes, since homes that exist stay as they are too. nasty/ was written by hand.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Sample {
  name: string
  bytes: Uint8Array
}

export type Shelf = 'valid' | 'nasty'

const TOKEN = /("(?:[^"\\]|\\.)*"|[0-9a-f]+)(?:\*(\d+))?(?:\s+|$)/y
const HEX_PER_LINE = 96
/** Bytes of one value in a row that are worth a `*N`. */
const RUN = 16

export function corpusPath(shelf: Shelf, format: string): string {
  return fileURLToPath(new URL(`${shelf}/${format}.txt`, import.meta.url))
}

/** The samples of a format; none if it has no file. */
export function readCorpus(shelf: Shelf, format: string): Sample[] {
  const path = corpusPath(shelf, format)
  return existsSync(path) ? parseCorpus(readFileSync(path, 'utf8')) : []
}

export function parseCorpus(text: string): Sample[] {
  const samples: { name: string; parts: Uint8Array[] }[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue
    if (line.startsWith(' ')) samples.at(-1)?.parts.push(...tokensOf(line.trim()))
    else samples.push({ name: line.trim(), parts: [] })
  }
  return samples.map(({ name, parts }) => ({ name, bytes: new Uint8Array(Buffer.concat(parts)) }))
}

function tokensOf(line: string): Uint8Array[] {
  const parts: Uint8Array[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; at < line.length; at = TOKEN.lastIndex) {
    const [, token = '', times = '1'] = TOKEN.exec(line) ?? []
    if (token === '' || (!token.startsWith('"') && token.length % 2 !== 0))
      throw new Error(`a corpus line that cannot be read: ${line}`)
    const bytes = token.startsWith('"')
      ? Buffer.from(JSON.parse(token) as string)
      : Buffer.from(token, 'hex')
    parts.push(Buffer.alloc(bytes.length * Number(times), bytes))
  }
  return parts
}

export function writeCorpus(opening: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ name, bytes }) => `${name}\n${writeBytes(bytes)}`)
  return `# ${opening}\n\n${lines.join('\n\n')}\n`
}

function writeBytes(bytes: Uint8Array): string {
  const lines: string[] = []
  let line = ''
  const end = (): void => {
    if (line !== '') lines.push(`  ${line}`)
    line = ''
  }
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0
    let run = 1
    while (bytes[at + run] === byte) run++
    const hex = byte.toString(16).padStart(2, '0')
    if (run >= RUN) {
      end()
      lines.push(`  ${hex}*${run}`)
      at += run
      continue
    }
    line += hex
    at++
    if (line.length >= HEX_PER_LINE) end()
  }
  end()
  return lines.length === 0 ? '  ""' : lines.join('\n')
}
