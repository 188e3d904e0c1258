// No plaintext of an endpoint is ever on another's disk: neither a piece of a private file nor its name,
// neither in a block, packed or not, nor anywhere else. What is part of a base is no secret.

import { hash } from 'node:crypto'
import { blockAt, type Segment } from '../model/segment.ts'
import type { Block, Home } from '../model/home.ts'
import type { TreeState } from '../model/tree-state.ts'
import type { Checker, Office, SavedClaim, SeenComputer } from './checker.ts'
import { few, presentHome, publishedIn, publishersIn } from './seen.ts'
import { unpackedIn, varietyOf, windowsOf, WindowSet } from './windows.ts'

const NAME_BYTES_MIN = 12
const NAME_VARIETY_MIN = 8
const SCOPES_OF_ALL = new Set(['base', 'pages'])

/** A private file, or a name. */
interface Secret {
  endpoint: string
  /** Of the computer that has it. */
  owner: string
  what: string
  /** It is part of a base as well. */
  isPublic: boolean
}

/** What is looked for. */
interface Piece {
  bytes: Uint8Array
  secret: Secret
}

interface Found {
  computer: SeenComputer
  secret: Secret
  place: string
}

export class Plaintext implements Checker {
  readonly name = 'plaintext'
  readonly #secrets = new WindowSet<Secret>()
  readonly #claims = new WeakSet<SavedClaim>()
  readonly #files = new WeakSet<Uint8Array>()
  readonly #names = new Set<string>()
  readonly #published = new WeakSet<TreeState>()
  readonly #publicNames = new Set<string>()
  readonly #publicFiles = new Map<string, Uint8Array>()
  /** By hash, what each block that was looked at holds; the same blocks lie on many disks. */
  #blocks = new Map<string, readonly Secret[]>()

  async check(office: Office): Promise<string[]> {
    for (const state of office.published) this.#publish(state)
    this.#learn(office.saved)
    // Once more all of it: a file may have become known after its block was looked at.
    if (office.isHealed) this.#blocks = new Map()
    const homes = office.computers.map((computer) => [computer, presentHome(computer)] as const)
    const all = homes.map(([, home]) => home)
    const published = publishedIn(all)
    const publishers = publishersIn(all)
    const found = homes.flatMap(([computer, home]) => {
      const isPublic = ({ hash }: Block, scope: string): boolean =>
        published.has(hash) || (scope === 'base' && publishers.has(computer.peer))
      return [...this.#inBlocks(computer, home, isPublic), ...this.#inFiles(computer, home)]
    })
    const leaks = found
      .filter(({ secret, computer }) => !secret.isPublic && !isOwn(computer, secret))
      .map(({ computer, secret, place }) => {
        return `${computer.name} has ${secret.what} of ${secret.owner} in plain bytes in ${place}`
      })
    return [
      ...few(leaks),
      ...few(homes.flatMap(([computer, home]) => plainIn(office, computer, home)))
    ]
  }

  #publish(state: TreeState): void {
    if (this.#published.has(state)) return
    this.#published.add(state)
    for (const [path, { bytes }] of state) {
      this.#publicNames.add(nameOf(path))
      this.#publicFiles.set(fingerprint(bytes), bytes)
    }
  }

  #learn(saved: readonly SavedClaim[]): void {
    const pieces: Piece[] = []
    for (const claim of saved) {
      if (this.#claims.has(claim)) continue
      this.#claims.add(claim)
      for (const state of claim.states) pieces.push(...this.#piecesOf(claim, state))
    }
    if (pieces.length === 0) return
    // A private file may have begun as a copy of a public one: what it still has of that is no secret.
    const set = new WindowSet<Piece>()
    for (const piece of pieces) set.add(piece.bytes, piece)
    const known = new Set<Piece>()
    for (const bytes of this.#publicFiles.values()) {
      for (const piece of set.foundIn(bytes)) known.add(piece)
    }
    for (const piece of pieces) if (!known.has(piece)) this.#secrets.add(piece.bytes, piece.secret)
  }

  #piecesOf({ endpoint, computer: owner }: SavedClaim, state: TreeState): Piece[] {
    const pieces: Piece[] = []
    for (const [path, { bytes }] of state) {
      const secret = (what: string): Secret => ({ endpoint, owner, what, isPublic: false })
      const name = nameOf(path)
      const isKnown = this.#publicNames.has(name) || this.#names.has(`${endpoint}/${name}`)
      if (isTelling(name) && !isKnown) {
        this.#names.add(`${endpoint}/${name}`)
        pieces.push({ bytes: latin1(name), secret: secret(`the name ${name}`) })
      }
      if (this.#files.has(bytes)) continue
      this.#files.add(bytes)
      if (this.#publicFiles.has(fingerprint(bytes))) continue
      const file = secret(`a piece of ${path}`)
      for (const window of windowsOf(bytes)) pieces.push({ bytes: window, secret: file })
    }
    return pieces
  }

  #inBlocks(
    computer: SeenComputer,
    home: Home,
    isPublic: (block: Block, scope: string) => boolean
  ): Found[] {
    const found: Found[] = []
    const segments = new Map<string, Uint8Array>()
    const read = (path: string): Uint8Array => {
      const bytes = segments.get(path) ?? computer.disk.read(path)
      segments.set(path, bytes)
      return bytes
    }
    for (const [scope, blocks] of home.blocks) {
      for (const block of blocks.values()) {
        const secrets =
          this.#blocks.get(block.hash) ?? this.#search(blockAt(read(block.path), block))
        this.#blocks.set(block.hash, secrets)
        for (const secret of secrets) {
          if (isPublic(block, scope)) secret.isPublic = true
          else found.push({ computer, secret, place: `block ${block.hash.slice(0, 8)}` })
        }
      }
    }
    return found
  }

  #search(bytes: Uint8Array | undefined): Secret[] {
    if (bytes === undefined) return []
    return [bytes, ...unpackedIn(bytes)].flatMap((each) => [...this.#secrets.foundIn(each)])
  }

  /** Everything that is no block: other files, and what lies between and behind the blocks. */
  #inFiles(computer: SeenComputer, home: Home): Found[] {
    return computer.disk.files().flatMap(({ path }) => {
      const segment = home.segments.get(path)
      const bytes = computer.disk.read(path)
      const pieces = segment === undefined ? [bytes] : besideBlocks(bytes, segment)
      const secrets = pieces.flatMap((piece) => this.#search(piece))
      return secrets.map((secret) => ({ computer, secret, place: path }))
    })
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function fingerprint(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64')
}

function isTelling(name: string): boolean {
  return name.length >= NAME_BYTES_MIN && varietyOf(latin1(name)) >= NAME_VARIETY_MIN
}

function isOwn({ name, endpoint }: SeenComputer, secret: Secret): boolean {
  return endpoint === secret.endpoint || name === secret.owner
}

function besideBlocks(bytes: Uint8Array, { records }: Segment): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { offset, stored } of records.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > from) pieces.push(bytes.subarray(from, offset))
    from = offset + stored
  }
  return [...pieces, bytes.subarray(from)]
}

/** Blocks in the scope of somebody's endpoint that are not sealed. */
function plainIn({ computers }: Office, computer: SeenComputer, { blocks }: Home): string[] {
  return [...blocks].flatMap(([scope, held]) => {
    const owner = computers.find(({ endpoint }) => endpoint === scope)
    if (SCOPES_OF_ALL.has(scope) || owner === computer || owner?.lies === true) return []
    const plain = [...held.values()].filter(({ links }) => links.kind !== 'sealed')
    const whose = owner?.name ?? `endpoint ${scope.slice(0, 8)}`
    return plain.map(({ hash, links }) => {
      return `${computer.name} has a ${links.kind} of ${whose} that is not sealed: ${hash.slice(0, 8)}`
    })
  })
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
