// The quarantine of blocks: which blocks of a scope are known to be damaged or missing. The index knows them
// too, and may be deleted; so they are written down beside the segments, and a home that lost its index knows
// at once what it must not count on. What stands here is believed only until it is looked at: a block that
// can be read after all is none of them. Their bytes stay where they are. FORMAT.md has the bytes.

import { HASH_BYTES, sha256, toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { readFile, writeFile, type Disk } from './disk.ts'
import { DiskFailed, Malformed } from './errors.ts'
import { DROPPED_UNKNOWN } from './shelf.ts'

const MAGIC = Buffer.from('DSQ1')
const HEADER_BYTES = 8
/** A file that holds more is not written: that home is lost, and a check finds them all again. */
const HASHES_MAX = 1 << 20
const FILE_BYTES_MAX = HEADER_BYTES + HASHES_MAX * HASH_BYTES + HASH_BYTES

/** A block of a scope, as reports name it. */
export interface BlockName {
  scope: Scope
  hash: Hash
}

/** A block as reports name it: `scope/hash`. */
export function blockText({ scope, hash }: BlockName): string {
  return `${scope}/${toHex(hash)}`
}

export function quarantinePath(scope: Scope): string {
  return `blocks/${scope}/quarantine`
}

export class Quarantine {
  readonly #disk: Disk
  readonly #store: Blockstore
  /** What the file of each scope holds: hashes in hex, sorted. */
  readonly #written = new Map<Scope, readonly string[]>()
  #saving: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, store: Blockstore) {
    this.#disk = disk
    this.#store = store
  }

  /** Reads what is known, and has each of it looked at again. */
  static async open(disk: Disk, store: Blockstore): Promise<Quarantine> {
    const quarantine = new Quarantine(disk, store)
    for (const scope of (await disk.list('blocks')) ?? []) {
      const hexes = await readQuarantine(disk, scope)
      if (hexes !== undefined) quarantine.#written.set(scope, hexes)
    }
    await quarantine.recall()
    return quarantine
  }

  /** Once more, after the index was made anew: it knows then only what the segments say. */
  async recall(): Promise<void> {
    for (const [scope, hexes] of this.#written) {
      for (const hex of hexes) await this.#store.blame(scope, Buffer.from(hex, 'hex'))
    }
  }

  /** Blocks that are known to be damaged or missing, and are not back yet. */
  async list(): Promise<BlockName[]> {
    const names: BlockName[] = []
    for (const [scope, hexes] of await this.#noted()) {
      for (const hex of hexes) names.push({ scope, hash: new Uint8Array(Buffer.from(hex, 'hex')) })
    }
    return names
  }

  async has({ scope, hash }: BlockName): Promise<boolean> {
    return (await this.#store.shelf(scope)).index.damaged.has(toHex(hash))
  }

  /** Writes down what is known now, where that has changed; durable when it resolves. */
  save(): Promise<void> {
    const turn = this.#saving.then(() => this.#save())
    this.#saving = turn.catch(() => undefined)
    return turn
  }

  async #save(): Promise<void> {
    const noted = await this.#noted()
    for (const scope of new Set([...noted.keys(), ...this.#written.keys()])) {
      const hexes = noted.get(scope) ?? []
      const written = this.#written.get(scope) ?? []
      const isSame = hexes.length === written.length && hexes.every((hex, i) => hex === written[i])
      if (isSame || hexes.length > HASHES_MAX) continue
      const path = quarantinePath(scope)
      await this.#disk.makeDirectory(`blocks/${scope}`)
      if (hexes.length === 0) await this.#disk.remove(path)
      else await writeFile(this.#disk, path, encodeQuarantine(hexes))
      this.#written.set(scope, hexes)
    }
  }

  async #noted(): Promise<Map<Scope, string[]>> {
    const noted = new Map<Scope, string[]>()
    for (const scope of await this.#store.scopes()) {
      const damaged = new Set((await this.#store.shelf(scope)).index.damaged)
      damaged.delete(toHex(DROPPED_UNKNOWN))
      if (damaged.size > 0) noted.set(scope, [...damaged].sort())
    }
    return noted
  }
}

/** The bytes of a quarantine. @param hexes hashes in hex, ascending */
export function encodeQuarantine(hexes: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + hexes.length * HASH_BYTES)
  bytes.set(MAGIC, 0)
  bytes.writeUInt32BE(hexes.length, 4)
  for (const [i, hex] of hexes.entries()) bytes.write(hex, HEADER_BYTES + i * HASH_BYTES, 'hex')
  return Buffer.concat([bytes, sha256(bytes)])
}

/** The hashes that a quarantine holds, in hex. @throws {Malformed} */
export function decodeQuarantine(file: Uint8Array): string[] {
  const bytes = Buffer.from(file.subarray(0, Math.max(0, file.length - HASH_BYTES)))
  const isOurs = bytes.length >= HEADER_BYTES && Buffer.compare(bytes.subarray(0, 4), MAGIC) === 0
  if (!isOurs || Buffer.compare(sha256(bytes), file.subarray(bytes.length)) !== 0) {
    throw new Malformed('a list of damaged blocks is damaged')
  }
  if (bytes.readUInt32BE(4) * HASH_BYTES !== bytes.length - HEADER_BYTES) {
    throw new Malformed('a list of damaged blocks has another length than it says')
  }
  const hexes: string[] = []
  for (let at = HEADER_BYTES; at < bytes.length; at += HASH_BYTES) {
    const hex = bytes.toString('hex', at, at + HASH_BYTES)
    const last = hexes.at(-1)
    if (last !== undefined && last >= hex) throw new Malformed('damaged blocks are not sorted')
    hexes.push(hex)
  }
  return hexes
}

/** Undefined if there is no such file, or it does not hold: then only reading finds them again. */
async function readQuarantine(disk: Disk, scope: Scope): Promise<string[] | undefined> {
  try {
    const file = await readFile(disk, quarantinePath(scope), { bytesMax: FILE_BYTES_MAX })
    return file === undefined ? undefined : decodeQuarantine(file)
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof DiskFailed)) throw error
    return undefined
  }
}
