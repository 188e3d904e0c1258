// A tree in memory and a place for its blocks: enough to archive and restore without a node. Counts which
// files are opened, since what is not opened was not read.

import { BASE_SCOPE, cidFromHash, hashOf, toHex, RAW } from '../../store/block.ts'
import type { CID, Hash, Scope } from '../../store/block.ts'
import { openIndex } from '../../store/index.ts'
import { BodyStateReader, openBodies } from '../../store/reader.ts'
import { sealKeys } from '../../store/seal.ts'
import { plainSink, sealedSink, type BlockTarget } from '../../store/sink.ts'
import type { Source } from '../../store/source.ts'
import { unpackBlock, type StoredBlock } from '../../store/stored.ts'
import { archive, type ArchiveInput, type Archived } from '../../node/archiver.ts'
import type { Known } from '../../node/file-archiver.ts'
import { showPath } from '../../node/tree/path.ts'
import type { Tree } from '../../node/tree/tree.ts'
import { WitnessBook } from '../../node/witness.ts'
import { SimClock } from '../../sim/clock.ts'
import { MemoryTree } from '../../sim/tree/tree.ts'

/** Blocks in memory, by hash; remembers which scope each went to. */
export class MemoryBlocks implements BlockTarget, Source {
  readonly blocks = new Map<string, { scope: Scope; bytes: Uint8Array }>()

  async hasEach(_: Scope, hashes: readonly Hash[]): Promise<boolean[]> {
    return hashes.map((hash) => this.blocks.has(toHex(hash)))
  }

  async put(scope: Scope, cid: CID, bytes: Uint8Array): Promise<void> {
    this.blocks.set(toHex(hashOf(cid)), { scope, bytes })
  }

  async putPacked(scope: Scope, cid: CID, stored: StoredBlock): Promise<void> {
    const bytes = unpackBlock(hashOf(cid), stored)
    if (bytes === undefined) throw new Error('a block that is not what its address says')
    await this.put(scope, cid, bytes)
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    return this.blocks.get(toHex(hashOf(cid)))?.bytes
  }
}

export const SCOPE = '00'.repeat(16)
const KEYS = sealKeys(new Uint8Array(32).fill(1))

export interface Shot extends Archived {
  /** Paths of the files that were opened. */
  opened: string[]
  newBlocks: number
}

export class Scene {
  readonly clock = new SimClock()
  readonly tree = new MemoryTree(this.clock, { owners: true, privileges: true })
  readonly blocks = new MemoryBlocks()
  readonly reader = new BodyStateReader(openBodies(this.blocks, new Map([[0, KEYS]])))
  readonly witnesses: WitnessBook
  base: Known | undefined
  previous: Known | undefined

  private constructor(witnesses: WitnessBook) {
    this.witnesses = witnesses
  }

  static async open(): Promise<Scene> {
    const index = await openIndex({ location: undefined })
    return new Scene(new WitnessBook(index.space('witness')))
  }

  /** Lets virtual minutes pass, so that files stop being fresh. */
  async wait(minutes = 2): Promise<void> {
    await this.clock.run(this.clock.sleep(minutes * 60_000))
  }

  /** A point: what is told apart from before is stored sealed. The next one starts from it. */
  async shoot(extra: Partial<ArchiveInput> = {}): Promise<Shot> {
    const { base } = this
    const chunks = new Set(
      [...this.blocks.blocks].filter(([, { scope }]) => scope === BASE_SCOPE).map(([hex]) => hex)
    )
    const shot = await this.#archive(sealedSink(this.blocks, SCOPE, KEYS), {
      base,
      previous: this.previous ?? base,
      inBase: (hash) => (chunks.has(toHex(hash)) ? cidFromHash(RAW, hash) : undefined),
      witnesses: this.witnesses,
      ...extra
    })
    await this.witnesses.commit()
    this.previous = { reader: this.reader, root: shot.root }
    return shot
  }

  /** A base: everything is stored plain. */
  async publish(): Promise<Shot> {
    const shot = await this.#archive(plainSink(this.blocks), {})
    this.base = { reader: this.reader, root: shot.root }
    return shot
  }

  async #archive(sink: ArchiveInput['sink'], extra: Partial<ArchiveInput>): Promise<Shot> {
    const { clock } = this
    const opened: string[] = []
    const tree = watched(this.tree, opened)
    const archived = await archive({ tree, clock, sink, sense: { owners: true }, ...extra })
    return { ...archived, opened, newBlocks: sink.count.newBlocks }
  }
}

/** The same tree; every path that is opened is noted. */
export function watched(tree: Tree, opened: string[]): Tree {
  return {
    where: tree.where,
    stat: (path) => tree.stat(path),
    list: (path) => tree.list(path),
    open: (path, expected) => {
      opened.push(showPath(path))
      return tree.open(path, expected)
    },
    readLink: (path) => tree.readLink(path),
    xattrs: (path) => tree.xattrs(path),
    writer: () => tree.writer()
  }
}
