// A home: what one peer keeps on its own disk besides blocks and records — its key, its endpoint's root
// key, and its settings. A home is complete once its settings are there; what an interrupted setup or join
// left before that is taken up again, so that the same computer never joins twice under two keys.

import { z } from 'zod'
import { readFile, writeFile, type Disk } from '../store/disk.ts'
import { readSpared, sparePath, writeSpared } from '../store/spare.ts'
import { decode, bytesOf, encode, integerOf, readMap } from '../store/codec.ts'
import { DiskFailed, Malformed } from '../store/errors.ts'
import type { Random } from '../store/random.ts'
import type { AgesKept } from './ages.ts'
import { AlreadyInMesh, HomeNotEmpty, NoMesh } from './errors.ts'
import { HOME_MARKER } from './scanner.ts'

const PEER_KEY_FILE = 'peer.key'
const ENDPOINT_FILE = 'endpoint.key'
const SETTINGS_FILE = 'settings.json'
const ADDRESSES_FILE = 'addresses.json'
const MILESTONES_FILE = 'milestones.json'
const TAKEN_FILE = 'taken.json'
const AGES_FILE = 'ages.json'
const MARKER_TEXT = 'This folder is a Drystone home. It never enters a backup or a base.\n'

const settingsSchema = z.strictObject({
  version: z.literal(1),
  /** Hex id of the mesh. */
  mesh: z.string(),
  /** The protected directory, where this peer has one. */
  root: z.string().optional(),
  /** Where to listen; absent means everywhere on the default port. */
  listen: z.array(z.string()).optional(),
  mdns: z.boolean().optional(),
  /** The owner keeps the endpoint's words: no head carries an escrow. */
  ownRecovery: z.boolean().optional(),
  /** What its restore points leave out. */
  rules: z
    .strictObject({
      ignore: z.array(z.string()),
      excludeCaches: z.boolean(),
      oneFileSystem: z.boolean()
    })
    .optional(),
  /** Hex id of an endpoint that was taken over, while its keys are not here yet. */
  recovering: z.string().optional()
})
export type Settings = z.infer<typeof settingsSchema>

const addressesSchema = z.record(z.string(), z.array(z.string()))
/** Where peers were last seen: addresses by peer id. */
export type Addresses = z.infer<typeof addressesSchema>

const takenSchema = z.record(
  z.string(),
  z.strictObject({
    newBytes: z.number().optional(),
    base: z.string().optional(),
    received: z.number().optional(),
    loss: z.strictObject({ gone: z.number(), of: z.number() }).optional()
  })
)
/**
 * What the restore points of this computer added and lost, the base they stand on, and when storage peers
 * had them (milliseconds since 1970, by their clocks), by number.
 */
export type Taken = z.infer<typeof takenSchema>

const milestonesSchema = z.strictObject({
  /** The last restore point that was protected as policy asks; times in milliseconds since 1970. */
  protected: z.strictObject({ point: z.number(), time: z.number() }).optional(),
  /** When a restore, or all that it needs, was last proven. */
  provenAt: z.number().optional()
})
/** What this computer has reached, for `status`. */
export type Milestones = z.infer<typeof milestonesSchema>

const agesSchema = z.strictObject({
  nowMs: z.number().min(0),
  wallMs: z.number(),
  seen: z.record(z.string(), z.number())
})

/** The secret of a protected tree: its id, and the roots (32 bytes) of its epochs, oldest first. */
export interface EndpointSecret {
  endpoint: Uint8Array
  epochs: Uint8Array[]
}

export class Home {
  readonly disk: Disk
  /** Files that were found damaged, and were made whole or begun anew. */
  readonly mended = new Set<string>()
  #endpoint: { secret: EndpointSecret | undefined } | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(disk: Disk) {
    this.disk = disk
  }

  /** Makes the folder a home, whatever an earlier attempt left. @throws {AlreadyInMesh} */
  async prepare(random: Random): Promise<Uint8Array> {
    if ((await this.#settings()) !== undefined) throw new AlreadyInMesh(this.#where())
    const names = (await this.disk.list('')) ?? []
    if (names.length > 0 && !names.some(isOurs)) throw new HomeNotEmpty(this.#where())
    await this.disk.makeDirectory('')
    await writeFile(this.disk, HOME_MARKER, Buffer.from(MARKER_TEXT))
    const known = await this.#readSpared(PEER_KEY_FILE)
    if (known?.length === 32) return known
    const seed = random.bytes(32)
    await writeSpared(this.disk, PEER_KEY_FILE, seed)
    return seed
  }

  /** The settings, if the home is complete. */
  settingsIfAny(): Promise<Settings | undefined> {
    return this.#settings()
  }

  /** The seed of this peer's key. @throws {NoMesh} */
  async seed(): Promise<Uint8Array> {
    const seed = await this.#readSpared(PEER_KEY_FILE)
    if (seed?.length !== 32) throw new NoMesh(this.#where())
    return seed
  }

  /** @throws {NoMesh} if this home is not complete. */
  async settings(): Promise<Settings> {
    const settings = await this.#settings()
    if (settings === undefined) throw new NoMesh(this.#where())
    return settings
  }

  /** Completes the home. */
  async saveSettings(settings: Settings): Promise<void> {
    await this.#write(SETTINGS_FILE, settings, writeSpared)
  }

  /** The endpoint's secret, where this peer protects a tree. Read once: nobody else writes it. */
  async endpoint(): Promise<EndpointSecret | undefined> {
    this.#endpoint ??= { secret: await this.#readEndpoint() }
    return this.#endpoint.secret
  }

  async #readEndpoint(): Promise<EndpointSecret | undefined> {
    const bytes = await this.#readSpared(ENDPOINT_FILE)
    if (bytes === undefined) return undefined
    const { endpoint, epochs } = readMap(decode(bytes), ENDPOINT_FILE, {
      v: integerOf(1, 1),
      endpoint: bytesOf(16),
      epochs: (value) => {
        if (!Array.isArray(value)) throw new Malformed(`${ENDPOINT_FILE} has no epochs`)
        return value.map((root) => bytesOf(32)(root, 'epoch'))
      }
    })
    return { endpoint, epochs }
  }

  async saveEndpoint(secret: EndpointSecret): Promise<void> {
    const { endpoint, epochs } = secret
    await writeSpared(this.disk, ENDPOINT_FILE, encode({ v: 1, endpoint, epochs }))
    this.#endpoint = { secret }
  }

  /** Forgets the secret of an endpoint that was made, and that the mesh never heard of. */
  async forgetEndpoint(): Promise<void> {
    await this.disk.remove(ENDPOINT_FILE)
    await this.disk.remove(sparePath(ENDPOINT_FILE))
    this.#endpoint = undefined
  }

  async addresses(): Promise<Addresses> {
    return (await this.#readHint(ADDRESSES_FILE, addressesSchema)) ?? {}
  }

  async saveAddresses(addresses: Addresses): Promise<void> {
    await this.#write(ADDRESSES_FILE, addresses)
  }

  async taken(): Promise<Taken> {
    return (await this.#readHint(TAKEN_FILE, takenSchema)) ?? {}
  }

  async noteTaken(number: number, what: Taken[string]): Promise<void> {
    await this.saveTaken({ ...(await this.taken()), [number]: what })
  }

  async saveTaken(taken: Taken): Promise<void> {
    await this.#write(TAKEN_FILE, taken)
  }

  async ages(): Promise<AgesKept | undefined> {
    return this.#readHint(AGES_FILE, agesSchema)
  }

  async saveAges(ages: AgesKept): Promise<void> {
    await this.#write(AGES_FILE, ages)
  }

  async milestones(): Promise<Milestones> {
    return (await this.#readHint(MILESTONES_FILE, milestonesSchema)) ?? {}
  }

  async saveMilestones(change: Milestones): Promise<void> {
    await this.#write(MILESTONES_FILE, { ...(await this.milestones()), ...change })
  }

  #settings(): Promise<Settings | undefined> {
    return this.#read(SETTINGS_FILE, settingsSchema)
  }

  #where(): string {
    return this.disk.location ?? 'this home'
  }

  #readSpared(path: string): Promise<Uint8Array | undefined> {
    return readSpared(this.disk, path, { onMended: (file) => this.mended.add(file) })
  }

  /** What the peer can do without: where it is damaged, it is begun anew. */
  async #readHint<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return await this.#read(path, schema)
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof DiskFailed)) throw error
      this.mended.add(path)
      return undefined
    }
  }

  async #read<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const isSpared = path === SETTINGS_FILE
    const bytes = await (isSpared ? this.#readSpared(path) : readFile(this.disk, path))
    if (bytes === undefined) return undefined
    try {
      return schema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch (cause) {
      throw new Malformed(`${path} in ${this.#where()} cannot be read`, {
        next: 'Put it back as it was; or come back in a new home with `drystone recover`.',
        cause
      })
    }
  }

  /** One write at a time: the last one asked for is the one that stays. */
  #write(path: string, value: unknown, write = writeFile): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
    const turn = this.#writing.then(() => write(this.disk, path, bytes))
    this.#writing = turn.catch(() => undefined)
    return turn
  }
}

/** What the first moment of a home leaves: its marker, perhaps not yet under its name. */
function isOurs(name: string): boolean {
  return name.startsWith(HOME_MARKER)
}
