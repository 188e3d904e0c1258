// Bytes to measure on: the same in every run, half of them like text, half of them like pictures. A tree of
// such files is small enough for a quick run and has what costs: many small files and a few large ones.

import { createHash } from 'node:crypto'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { noise } from '../store/_noise.ts'

const WORDS =
  'stone wall without mortar stands because every one leans on the others and so on'.split(' ')
const AN_HOUR_AGO = Date.now() / 1000 - 3600

/** So much is made once; all else is cut from it. */
const POOL = 4 << 20
const STRETCH = 32 << 10
const [TEXT, NOISE] = [textPool(), noise(POOL)]

/** Words in a random order; zstd makes about a quarter of it. */
function textPool(): Uint8Array {
  const order = noise(POOL / 4)
  const words = Array.from(order, (n) => WORDS[n % WORDS.length] ?? '')
  return new Uint8Array(Buffer.from(words.join(' ')).subarray(0, POOL))
}

/** Text and noise in stretches of 32 KiB, begun with `seed`, so that no two are alike. */
export function mixed(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0, n = 0; at < length; at += STRETCH, n++) {
    const end = Math.min(STRETCH, length - at)
    const from = (seed * 4099 + n * 65_537) % (TEXT.length - STRETCH)
    bytes.set((n % 2 === 0 ? TEXT : NOISE).subarray(from, from + end), at)
    if (end >= 4) Buffer.from(bytes.buffer).writeUInt32BE(seed, at)
  }
  return bytes
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

export interface MadeTree {
  root: string
  paths: string[]
  bytes: number
}

/** Small files, a hundred to a folder, and large ones beside them. */
export function makeTree(root: string, { small = 2000, large = 12 } = {}): MadeTree {
  const paths: string[] = []
  let bytes = 0
  const add = (folder: string, name: string, content: Uint8Array): void => {
    mkdirSync(join(root, folder), { recursive: true })
    const path = join(root, folder, name)
    writeFileSync(path, content)
    utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO)
    paths.push(path)
    bytes += content.length
  }
  for (let n = 0; n < small; n++) {
    const folder = `folder-${Math.floor(n / 100)}`
    add(folder, `file-${n}`, mixed(500 + ((n * 7919) % 40_000), n))
  }
  for (let n = 0; n < large; n++) add('large', `file-${n}`, mixed((1 + (n % 4)) << 20, small + n))
  return { root, paths, bytes }
}
