// The prover: can this state be restored? It opens every page, computes every directory's digest anew, and
// when asked reads every chunk as a restore would. It reads only, goes on after what it finds, and names
// each path that is damaged or missing.

import { createHash } from 'node:crypto'
import { toHex, type CID, type Hash } from '../store/block.ts'
import { directoryDigest, stateDigest } from '../store/digest.ts'
import type { Entry } from '../store/entry.ts'
import { BlockDamaged, BlockMissing, Malformed, NotOpened } from '../store/errors.ts'
import type { StateReader } from '../store/reader.ts'
import { directoryEntries, fileChunks, joinPath } from '../store/tree.ts'
import { showPath } from './tree/path.ts'
import type { TreePath } from './tree/tree.ts'

export interface ProofInput {
  reader: StateReader
  root: CID
  /** What the state should contain. */
  digest: Hash
  /** Read the files' contents too. */
  deep: boolean
  onProgress?: (proof: Proof) => void
  signal?: AbortSignal | undefined
}

export interface Proof {
  entries: number
  files: number
  /** Chunks, each as often as it is referred to. */
  blocks: number
  bytes: number
  damaged: string[]
  missing: string[]
  /** Addresses of some chunks: a sample to ask keepers about. */
  sample: CID[]
}

const SAMPLE_MAX = 64

/** Proves a state, or says what is wrong with it. */
export async function proveState(input: ProofInput): Promise<Proof> {
  const proof: Proof = {
    entries: 0,
    files: 0,
    blocks: 0,
    bytes: 0,
    damaged: [],
    missing: [],
    sample: []
  }
  const path = new Uint8Array()
  await attempt(proof, path, async () => {
    const top = await input.reader.top(input.root, { signal: input.signal })
    if (toHex(stateDigest(top)) !== toHex(input.digest)) proof.damaged.push('/')
    await proveEntry(input, proof, { path, entry: top })
  })
  return proof
}

async function proveEntry(
  input: ProofInput,
  proof: Proof,
  { path, entry }: { path: TreePath; entry: Entry }
): Promise<void> {
  input.signal?.throwIfAborted()
  proof.entries++
  if (entry.type === 'file')
    await attempt(proof, path, () => proveFile(input, proof, { path, entry }))
  const { page } = entry
  if (page === undefined) return
  await attempt(proof, path, async () => {
    const entries = await Array.fromAsync(
      directoryEntries(input.reader, page, { signal: input.signal })
    )
    if (!isSame(directoryDigest(entries), entry.hash)) proof.damaged.push(showPath(path))
    for (const child of entries) {
      await proveEntry(input, proof, { path: joinPath(path, child.name), entry: child })
    }
  })
  input.onProgress?.(proof)
}

async function proveFile(
  { reader, deep, signal }: ProofInput,
  proof: Proof,
  { path, entry }: { path: TreePath; entry: Entry }
): Promise<void> {
  proof.files++
  const hash = createHash('sha256')
  for await (const ref of fileChunks(reader, entry, { signal })) {
    proof.blocks++
    proof.bytes += ref.length
    takeSample(proof, ref.cid)
    if (deep) hash.update(await reader.chunk(ref, { signal }))
  }
  if (deep && !isSame(hash.digest(), entry.hash)) proof.damaged.push(showPath(path))
}

/** Spreads the sample over the whole state: each time it is full, every second one is let go. */
function takeSample(proof: Proof, cid: CID): void {
  const step = Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, proof.blocks / SAMPLE_MAX))))
  if (proof.blocks % step !== 0) return
  if (proof.sample.length >= SAMPLE_MAX) proof.sample = proof.sample.filter((_, i) => i % 2 === 0)
  proof.sample.push(cid)
}

async function attempt(proof: Proof, path: TreePath, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const shown = showPath(path)
    if (error instanceof BlockMissing) proof.missing.push(shown)
    else if (isDamage(error)) proof.damaged.push(shown)
    else throw error
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof BlockDamaged || error instanceof Malformed || error instanceof NotOpened
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}
