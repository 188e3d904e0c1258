// The names on the bad disk, as a journaled file system keeps them. Each change of a name goes into a
// journal; syncing a directory makes the changes of its names durable, with whatever they build on, and of
// no other directory. At a crash the file system comes back with the rest of the journal up to some moment,
// in order, as ext4 does: so a later change never survives an earlier one, and a file that is renamed has
// its old name or its new one, never both and never neither. Directories are durable once made, and stay.

import { directoryOf } from '../../store/disk.ts'
import type { Content } from './content.ts'
import type { SeededRandom } from '../random.ts'

/** What each name leads to afterwards; undefined removes it. */
type Naming = readonly [path: string, content: Content | undefined]

interface Change {
  /** Counts the changes of this disk. */
  readonly order: number
  readonly namings: readonly Naming[]
  isDurable: boolean
}

export class Names {
  /** Bytes in all files that have a name; whoever writes to one adds what it grew by. */
  bytesUsed = 0
  #files = new Map<string, Content>()
  /** What stands in each directory. */
  readonly #directories = new Map<string, Set<string>>([['', new Set()]])
  readonly #durable = new Map<string, Content>()
  /** Changes that are not durable yet, in order, under each directory whose names they touch. */
  readonly #journal = new Map<string, Change[]>()
  #changes = 0

  find(path: string): Content | undefined {
    return this.#files.get(path)
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path)
  }

  /** Sorted; undefined if there is no such directory. */
  list(directory: string): string[] | undefined {
    const names = this.#directories.get(directory)
    return names && [...names].sort()
  }

  /** Every file, sorted by path. */
  files(): [path: string, content: Content][] {
    return inOrder([...this.#files])
  }

  makeDirectory(path: string): void {
    if (this.#directories.has(path)) return
    this.makeDirectory(directoryOf(path))
    this.#directories.set(path, new Set())
    this.#enter(path)
  }

  /** One change of one or more names at once. Their directories must be there. */
  change(namings: readonly Naming[]): void {
    for (const naming of namings) this.#apply(naming)
    const change = { order: ++this.#changes, namings, isDurable: false }
    for (const directory of directoriesOf(change)) {
      const waiting = this.#journal.get(directory)
      if (waiting === undefined) this.#journal.set(directory, [change])
      else waiting.push(change)
    }
  }

  /** Makes the changes of names in a directory durable, up to that of this number. */
  sync(directory: string, last = Infinity): void {
    const waiting = this.#journal.get(directory) ?? []
    for (const change of waiting) {
      if (change.order > last) break
      if (change.isDurable) continue
      // A file that comes from elsewhere leaves its old directory in the same moment, and first got there.
      for (const other of directoriesOf(change)) {
        if (other !== directory) this.sync(other, change.order - 1)
      }
      this.#settle(change)
    }
    const rest = waiting.filter(({ isDurable }) => !isDurable)
    if (rest.length === 0) this.#journal.delete(directory)
    else this.#journal.set(directory, rest)
  }

  /** The power goes. Without `random` nothing survives that was not synced. */
  crash(random?: SeededRandom): void {
    if (random !== undefined) {
      const waiting = [...new Set([...this.#journal.values()].flat())]
        .filter(({ isDurable }) => !isDurable)
        .sort((a, b) => a.order - b.order)
      for (const change of waiting.slice(0, countKept(waiting.length, random))) this.#settle(change)
    }
    this.#journal.clear()
    this.#standOn(this.#durable)
    const unsafe = [...this.#files].filter(([, content]) => !content.isDurable)
    for (const [, content] of inOrder(unsafe)) content.crash(random)
    this.#count()
  }

  /** All as it is, the journal too. */
  copy(): Names {
    const copies = new Map<Content, Content>()
    const copyOf = (content: Content): Content => {
      const known = copies.get(content) ?? content.copy()
      copies.set(content, known)
      return known
    }
    const names = this.#blank()
    for (const [path, content] of this.#durable) names.#durable.set(path, copyOf(content))
    const changes = new Map<Change, Change>()
    const copyChange = (change: Change): Change => {
      const known = changes.get(change) ?? {
        ...change,
        namings: change.namings.map(([path, content]) => [path, content && copyOf(content)])
      }
      changes.set(change, known)
      return known
    }
    for (const [directory, waiting] of this.#journal) {
      names.#journal.set(directory, waiting.map(copyChange))
    }
    names.#changes = this.#changes
    names.#standOn(new Map([...this.#files].map(([path, each]) => [path, copyOf(each)])))
    names.#count()
    return names
  }

  /** What a crash would leave that lets nothing survive. */
  durable(): Names {
    const names = this.#blank()
    for (const [path, content] of this.#durable) names.#durable.set(path, content.durable())
    names.crash()
    return names
  }

  /** The same directories without a file. */
  #blank(): Names {
    const names = new Names()
    for (const path of this.#directories.keys()) names.makeDirectory(path)
    return names
  }

  #settle(change: Change): void {
    change.isDurable = true
    for (const [path, content] of change.namings) {
      if (content === undefined) this.#durable.delete(path)
      else this.#durable.set(path, content)
    }
  }

  #apply([path, content]: Naming): void {
    const old = this.#files.get(path)
    if (old !== undefined) {
      old.isNamed = false
      this.bytesUsed -= old.length
    }
    if (content === undefined) {
      this.#files.delete(path)
      this.#directories.get(directoryOf(path))?.delete(nameOf(path))
    } else {
      content.isNamed = true
      this.bytesUsed += content.length
      this.#files.set(path, content)
      this.#enter(path)
    }
  }

  /** Forgets which files there were for these. */
  #standOn(files: ReadonlyMap<string, Content>): void {
    for (const [path, content] of this.#files) {
      content.isNamed = false
      this.#directories.get(directoryOf(path))?.delete(nameOf(path))
    }
    this.#files = new Map(files)
    for (const [path, content] of files) {
      content.isNamed = true
      this.#enter(path)
    }
  }

  #enter(path: string): void {
    this.#directories.get(directoryOf(path))?.add(nameOf(path))
  }

  #count(): void {
    this.bytesUsed = 0
    for (const { length } of this.#files.values()) this.bytesUsed += length
  }
}

function inOrder(files: [path: string, content: Content][]): [string, Content][] {
  return files.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** How many of the changes that wait outlive a crash. All and none are likelier than the rest. */
function countKept(waiting: number, random: SeededRandom): number {
  const fate = random.pick(['none', 'all', 'some', 'some'] as const)
  if (fate === 'some') return random.below(waiting + 1)
  return fate === 'all' ? waiting : 0
}

function directoriesOf({ namings }: Change): Set<string> {
  return new Set(namings.map(([path]) => directoryOf(path)))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
