// Blocks for tests: made from a number, so that a failure can be read, and the same in every run. Folders
// that they are kept in are removed again.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { RAW, cidOf, hashOf, type CID, type Hash } from '../../store/block.ts'

export interface TestBlock {
  bytes: Uint8Array
  cid: CID
  hash: Hash
}

export function blockOf(bytes: Uint8Array): TestBlock {
  const cid = cidOf(RAW, bytes)
  return { bytes, cid, hash: hashOf(cid) }
}

/** A block that shrinks well. */
export function textBlock(number: number, length = 400): TestBlock {
  return blockOf(new Uint8Array(Buffer.alloc(length, `block ${number} `)))
}

/** A block that does not shrink. */
export function noiseBlock(length: number): TestBlock {
  return blockOf(new Uint8Array(randomBytes(length)))
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** An empty directory that goes when the test ends. */
export async function temporary(t: ExecutionContext): Promise<string> {
  const location = await mkdtemp(join(tmpdir(), 'drystone-store-'))
  t.teardown(() => rm(location, { recursive: true, force: true }))
  return location
}
