// A placing thread: unpacks blocks, proves them, and writes them to files below one root, by the same
// writer and the same rules as the main thread. It says of each file only whether it is there: what was
// not to be done is tried again by whoever can name the failure.

import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { DiskPlaces } from '../../store/disk-places.ts'
import { BlockDamaged, DrystoneError } from '../../store/errors.ts'
import { viewBlock, type StoredBlock } from '../../store/stored.ts'
import { writeSparse } from '../sparse.ts'
import { openTree } from '../tree/real-tree.ts'
import type { TreeFileWriter, TreeMetadata, TreeWriter } from '../tree/tree.ts'
import { WholeHash } from '../whole-hash.ts'
import type { PlacingInit, PlacingOrder, PlacingReport, PlacingStep } from './placing.ts'

type Begin = Extract<PlacingStep, { type: 'begin' }>
type Block = Extract<PlacingStep, { type: 'block' }>

interface Begun {
  file: TreeFileWriter
  whole: WholeHash
  metadata: TreeMetadata
}

class PlacingThread {
  readonly #port: MessagePort
  readonly #writer: Promise<TreeWriter>
  readonly #begun = new Map<number, Begun>()
  readonly #places = new DiskPlaces()
  #last: Promise<void> = Promise.resolve()

  constructor(port: MessagePort, writer: Promise<TreeWriter>) {
    this.#port = port
    this.#writer = writer
    port.on('message', (order: PlacingOrder) => {
      this.#last = this.#last.then(() => this.#do(order))
    })
  }

  async #do({ steps, bytes }: PlacingOrder): Promise<void> {
    const ends: PlacingReport['ends'] = []
    for (const step of steps) {
      const warnings = await this.#try(step, bytes)
      if (step.type === 'commit') ends.push({ file: step.file, warnings })
    }
    const report: PlacingReport = { ends }
    this.#port.postMessage(report)
  }

  /** A file whose step failed is given up, and is not there for the steps that follow. */
  async #try(step: PlacingStep, bytes: Uint8Array): Promise<string[] | undefined> {
    try {
      if (step.type === 'begin') await this.#begin(step)
      else if (step.type === 'block') await this.#block(step, bytes)
      else if (step.type === 'commit') return await this.#commit(step.file)
      else await this.#discard(step.file)
    } catch (error) {
      if (!(error instanceof DrystoneError)) throw error
      await this.#discard(step.file)
    }
    return undefined
  }

  async #begin({ file, to, hash, metadata }: Begin) {
    const writer = await this.#writer
    const begun = { file: await writer.createFile(to), whole: new WholeHash(hash), metadata }
    this.#begun.set(file, begun)
  }

  async #block(step: Block, bytes: Uint8Array): Promise<void> {
    const begun = this.#begun.get(step.file)
    if (begun === undefined) return
    const chunk = viewBlock(step.hash, this.#stored(step.lying, bytes))
    if (chunk === undefined) throw new BlockDamaged('a chunk')
    begun.whole.add(step.hash, chunk)
    await writeSparse(begun.file, chunk)
  }

  #stored(lying: Block['lying'], bytes: Uint8Array): StoredBlock {
    if ('path' in lying) return this.#places.read(lying)
    const { method, plainLength, offset, length } = lying
    return { method, plainLength, body: bytes.subarray(offset, offset + length) }
  }

  async #commit(id: number): Promise<string[] | undefined> {
    const begun = this.#begun.get(id)
    if (begun === undefined) return undefined
    if (!begun.whole.isRight()) throw new BlockDamaged('a file')
    const warnings = await begun.file.commit(begun.metadata)
    this.#begun.delete(id)
    return warnings
  }

  async #discard(id: number): Promise<void> {
    await this.#begun.get(id)?.file.discard()
    this.#begun.delete(id)
  }
}

async function writerOf({ root, owners, privileges }: PlacingInit): Promise<TreeWriter> {
  const tree = await openTree(root, { owners, privileges, inStep: true })
  return tree.writer()
}

if (parentPort !== null) new PlacingThread(parentPort, writerOf(workerData as PlacingInit))
