// What of a tree takes part in a state: not sockets, nor Drystone homes, nor file systems that the kernel
// makes up; nor what the rules leave out. Nothing is left out because something about it could not be read:
// then it is kept, and named.

import { sha256, type Hash } from '../store/block.ts'
import type { Entry } from '../store/entry.ts'
import { joinPath, sameBytes } from '../store/tree.ts'
import { Unreadable } from './errors.ts'
import { IGNORE_BYTES_MAX, IGNORE_FILE, Ignoring } from './ignoring.ts'
import { isProtected } from './scanner.ts'
import { showPath } from './tree/path.ts'
import type { Tree, TreeEntry, TreePath, TreeStat } from './tree/tree.ts'

/** What an endpoint leaves out of its restore points, beside what the tree itself says. */
export interface Rules {
  /** Lines in the manner of .gitignore, from the root. */
  ignore: readonly string[]
  /** Of directories with a CACHEDIR.TAG only the tag. */
  excludeCaches: boolean
  /** Of other file systems only the directory on which they are mounted. */
  oneFileSystem: boolean
}

export const NO_RULES: Rules = { ignore: [], excludeCaches: false, oneFileSystem: false }

export interface SelectionInit {
  rules?: Rules | undefined
  /** What takes part; everything, if absent. */
  includes?: ((path: TreePath, type: TreeStat['type']) => boolean) | undefined
}

/** What of one directory takes part. */
export interface Selected {
  names: TreeEntry[]
  /** For what is below. */
  ignoring: Ignoring
  /** Of the ignore file, if there is one. */
  ignoreHash: Hash | undefined
}

/** A directory on the way, with the lines that hold above it. */
export interface Held {
  path: TreePath
  ignoring: Ignoring
}

/** https://bford.info/cachedir/ */
const CACHE_TAG = 'CACHEDIR.TAG'
const CACHE_SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55'
const READ_BYTES = 64 * 1024

export class Selection {
  readonly #tree: Tree
  readonly #rules: Rules
  readonly #includes: SelectionInit['includes']
  readonly #onProblem: (path: TreePath, why: string) => void
  #rootDevice: bigint | undefined
  /** Devices of file systems that hold nobody's files. */
  #virtual: ReadonlySet<bigint> = new Set()

  /** @param onProblem is told of a file of rules that cannot be read: what it would leave out is kept. */
  constructor(
    tree: Tree,
    { rules = NO_RULES, includes }: SelectionInit,
    onProblem: (path: TreePath, why: string) => void
  ) {
    this.#tree = tree
    this.#rules = rules
    this.#includes = includes
    this.#onProblem = onProblem
  }

  /** The lines that hold at the root. Called first. */
  async begin(root: TreeStat): Promise<Ignoring> {
    this.#rootDevice = root.device
    this.#virtual = (await this.#tree.virtual?.()) ?? new Set()
    const { ignore } = this.#rules
    const none = new Ignoring()
    return ignore.length === 0 ? none : none.below(new Uint8Array(), ignore.join('\n'))
  }

  /** What takes part of a directory that was listed. */
  async of(directory: Held, listing: readonly TreeEntry[]): Promise<Selected> {
    const file = listing.find(
      ({ name, stat }) => stat.type === 'file' && isNamed(name, IGNORE_FILE)
    )
    const { ignoring, hash } = await this.#below(directory, file?.stat)
    const isCache = await this.#isCache(directory.path, listing)
    const names = listing.filter((item) => {
      if (!isProtected(item)) return false
      if (isCache && !isNamed(item.name, CACHE_TAG)) return false
      const path = joinPath(directory.path, item.name)
      if (this.#includes?.(path, item.stat.type) === false) return false
      return !ignoring.names(path, item.stat.type)
    })
    return { names, ignoring, ignoreHash: hash }
  }

  /**
   * The lines that hold below a directory that is not listed; undefined if its ignore file is not the one
   * that it was, so that it has to be listed after all.
   */
  async passing(directory: Held, before: readonly Entry[]): Promise<Ignoring | undefined> {
    const known = ignoreFileOf(before)
    if (known === undefined) return directory.ignoring.below(directory.path)
    const stat = await this.#tree.stat(joinPath(directory.path, known.name))
    if (stat?.type !== 'file') return undefined
    const { ignoring, hash } = await this.#below(directory, stat)
    return sameBytes(hash, known.hash) ? ignoring : undefined
  }

  /** True if of a directory nothing but itself takes part, since it lies on another file system. */
  isForeign({ device }: TreeStat): boolean {
    if (device === this.#rootDevice) return false
    return this.#rules.oneFileSystem || this.#virtual.has(device)
  }

  async #below(
    { path, ignoring }: Held,
    file: TreeStat | undefined
  ): Promise<{ ignoring: Ignoring; hash: Hash | undefined }> {
    const bytes = file && (await this.#read(joinPath(path, nameBytes(IGNORE_FILE)), file))
    if (bytes === undefined) return { ignoring: ignoring.below(path), hash: undefined }
    const text = Buffer.from(bytes).toString()
    return { ignoring: ignoring.below(path, text), hash: sha256(bytes) }
  }

  async #isCache(path: TreePath, listing: readonly TreeEntry[]): Promise<boolean> {
    if (!this.#rules.excludeCaches) return false
    const tag = listing.find(({ name, stat }) => stat.type === 'file' && isNamed(name, CACHE_TAG))
    if (tag === undefined) return false
    const bytes = await this.#read(joinPath(path, tag.name), tag.stat, CACHE_SIGNATURE.length)
    return bytes !== undefined && Buffer.from(bytes).toString('latin1') === CACHE_SIGNATURE
  }

  /** A small file; of a larger one its first bytes, if so many are enough. */
  async #read(path: TreePath, stat: TreeStat, enough?: number): Promise<Uint8Array | undefined> {
    try {
      if (enough === undefined && stat.size > IGNORE_BYTES_MAX) {
        throw new Unreadable(showPath(path), `it has more than ${IGNORE_BYTES_MAX} bytes`)
      }
      const most = enough ?? IGNORE_BYTES_MAX
      const file = await this.#tree.open(path, stat)
      const pieces: Uint8Array[] = []
      try {
        for (let left = most; left > 0; left -= pieces.at(-1)?.length ?? 0) {
          const piece = await file.read(Math.min(left, READ_BYTES))
          if (piece.length === 0) break
          pieces.push(piece)
        }
      } finally {
        await file.close()
      }
      return new Uint8Array(Buffer.concat(pieces))
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#onProblem(path, error.message)
      return undefined
    }
  }
}

/** True if a directory's own lines are not those that were there before. */
export function hasOtherLines(hash: Hash | undefined, before: readonly Entry[]): boolean {
  return !sameBytes(hash, ignoreFileOf(before)?.hash)
}

function ignoreFileOf(entries: readonly Entry[]): Entry | undefined {
  return entries.find(({ name, type }) => type === 'file' && isNamed(name, IGNORE_FILE))
}

function nameBytes(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(name))
}

/** Most names differ in length: that costs nothing to see. */
function isNamed(name: Uint8Array, text: string): boolean {
  return name.length === text.length && Buffer.from(name).toString('latin1') === text
}
