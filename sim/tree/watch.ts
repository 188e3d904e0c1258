// Hearing of changes in a tree in memory, as inotify would tell them: directory by directory, once each, and
// no more than its queue holds. What is done through a file's memory, or under another of its names, is not
// told, as little as on a real computer.

import { parentOf } from '../../node/tree/path.ts'
import type { TreePath } from '../../node/tree/tree.ts'
import type { Attended, Heard, TreeWatch } from '../../node/tree/watch.ts'
import { bytesOfKey, type MemoryNode, type MemoryNodes } from './nodes.ts'

/** As many as Linux keeps by default. */
const QUEUE_MAX = 16_384

type Names = Iterable<readonly [path: string, node: MemoryNode]>

export class MemoryWatch implements TreeWatch {
  readonly #nodes: MemoryNodes
  readonly #names: () => Names
  readonly #attended = new Map<MemoryNode, number>()
  readonly #hear = (directory: MemoryNode): void => this.#note(directory)
  #nextId = 1
  #ids: number[] = []
  #isLost = false

  /** @param names every name of the tree, with what it leads to. */
  constructor(nodes: MemoryNodes, names: () => Names) {
    this.#nodes = nodes
    this.#names = names
    nodes.hearers.add(this.#hear)
  }

  attend(path: TreePath): Attended | undefined {
    const node = this.#nodes.find(path)
    if (node?.type !== 'directory' || node.isRefused) return undefined
    const id = this.#attended.get(node) ?? this.#nextId++
    this.#attended.set(node, id)
    return { id, stat: { device: node.disk, inode: node.inode } }
  }

  heard(): Heard {
    const [ids, isLost] = [this.#ids, this.#isLost]
    this.#ids = []
    this.#isLost = false
    return { ids, isLost }
  }

  async mapped(): Promise<TreePath[]> {
    const { mapped } = this.#nodes
    if (mapped.size === 0) return []
    const names = Array.from(this.#names()).filter(([, node]) => mapped.has(node))
    return names.map(([path]) => parentOf(bytesOfKey(path)))
  }

  async mounts(): Promise<string> {
    return `${this.#nodes.mountings}`
  }

  close(): void {
    this.#nodes.hearers.delete(this.#hear)
  }

  #note(directory: MemoryNode): void {
    const id = this.#attended.get(directory)
    if (id === undefined) return
    this.#attended.delete(directory)
    if (this.#ids.length < QUEUE_MAX) this.#ids.push(id)
    else this.#isLost = true
  }
}
