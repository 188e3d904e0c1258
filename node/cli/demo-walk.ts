// The independent walk of the demo: compares two trees by what the file system says, with node:fs and a hash,
// and with none of the product's own code, so that it cannot share the product's mistakes.

import { createHash } from 'node:crypto'
import { createReadStream, type BigIntStats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'

const SLASH = Buffer.from('/')

/** Paths and what differs there; empty if the trees are equal. */
export async function compareTrees(
  lost: string,
  back: string
): Promise<{ entries: number; found: string[] }> {
  const [before, after] = [await readTree(lost), await readTree(back)]
  const found: string[] = []
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [a, b] = [before.get(path), after.get(path)]
    if (a === undefined || b === undefined) {
      found.push(`${path}: ${a === undefined ? 'was not there' : 'is missing'}`)
      continue
    }
    for (const [fact, value] of Object.entries(a)) {
      if (b[fact] !== value) found.push(`${path}: ${fact} was ${value}, is ${String(b[fact])}`)
    }
  }
  return { entries: before.size, found }
}

/** Bytes of all files, up to about `most`. */
export async function sizeOfTree(root: string, most: number): Promise<number> {
  let bytes = 0
  const waiting = [root]
  for (let path = waiting.pop(); path !== undefined && bytes < most; path = waiting.pop()) {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) waiting.push(child)
      if (entry.isFile()) bytes += Number((await lstat(child)).size)
    }
  }
  return bytes
}

type Facts = Record<string, string>

async function readTree(root: string): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>()
  /** The first path of each file with several names. */
  const firsts = new Map<string, string>()
  const visit = async (path: Buffer, shown: string): Promise<void> => {
    const stats = await lstat(path, { bigint: true })
    facts.set(shown, await readFacts(path, shown, stats, firsts))
    if (!stats.isDirectory()) return
    const names = await readdir(path, { encoding: 'buffer' })
    for (const name of names.sort((a, b) => Buffer.compare(a, b))) {
      await visit(Buffer.concat([path, SLASH, name]), `${shown}/${name.toString('latin1')}`)
    }
  }
  await visit(Buffer.from(root), '')
  return facts
}

async function readFacts(
  path: Buffer,
  shown: string,
  stats: BigIntStats,
  firsts: Map<string, string>
): Promise<Facts> {
  const facts: Facts = {
    mode: stats.mode.toString(8),
    owner: `${stats.uid}:${stats.gid}`,
    modified: stats.mtimeNs.toString()
  }
  if (stats.isSymbolicLink()) {
    facts['target'] = (await readlink(path, { encoding: 'buffer' })).toString('latin1')
  }
  if (stats.isCharacterDevice() || stats.isBlockDevice()) facts['device'] = stats.rdev.toString()
  if (!stats.isFile()) return facts
  facts['size'] = stats.size.toString()
  facts['content'] = await hashFile(path)
  if (stats.nlink > 1n) {
    const file = `${stats.dev}:${stats.ino}`
    const first = firsts.get(file) ?? shown
    firsts.set(file, first)
    if (first !== shown) facts['linked to'] = first
  }
  return facts
}

async function hashFile(path: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  return hash.digest('hex')
}
