// Repairing small files: a damaged one is written again from what this process still knows, from its spare,
// or from what other members have. The damaged bytes go into `quarantine/` first, under their own path, and
// nothing is deleted. A head or a record of the roster that nobody can give back stays where it is, for
// somebody who can; what proves itself, or only tells, is worth nothing once damaged, and is moved aside.

import { encode } from '../store/codec.ts'
import { directoryOf, readFile, writeFile, type Disk } from '../store/disk.ts'
import { DiskFailed, DrystoneError, Malformed } from '../store/errors.ts'
import { decodeRecord, encodeRecord, isBadRecord } from '../store/signed.ts'
import { readSpared, writeSpared } from '../store/spare.ts'
import { toHex } from '../store/block.ts'
import { Channel, converse } from '../protocol/framing.ts'
import { HEADS_PROTOCOL, askHeads } from '../protocol/heads.ts'
import type { CallOptions, Network } from '../protocol/network.ts'
import type { Clock } from '../store/clock.ts'
import type { MarkedHead } from './heads.ts'
import {
  CHUNKS_FOLDER,
  DISPOSABLE,
  SPARED,
  findFaults,
  headPath,
  isHeadAt,
  isRecord,
  namesIn,
  recordFolders,
  stateOf,
  type HomeFilesComponents
} from './home-files.ts'
import type { Gossip } from './mesh/gossip.ts'

const FOLDER = 'quarantine'
/** Their content is signed or can be made again: damaged, they say nothing. */
const WORTHLESS = ['marks', 'receipts', 'base-receipts', CHUNKS_FOLDER]

export interface FileRepairComponents extends HomeFilesComponents {
  network: Network
  clock: Clock
  gossip: Gossip
}

export interface RepairedFiles {
  repaired: string[]
  unrepaired: string[]
}

/** Files that were moved aside, or copied there before they were replaced; sorted. */
export async function quarantinedFiles(disk: Disk, folder = FOLDER): Promise<string[]> {
  const names = (await disk.list(folder)) ?? []
  const found: string[] = []
  for (const name of names) {
    const path = `${folder}/${name}`
    const inside = await disk.list(path).catch((error: unknown) => {
      if (error instanceof DiskFailed) return undefined
      throw error
    })
    if (inside === undefined) found.push(path)
    else found.push(...(await quarantinedFiles(disk, path)))
  }
  return found.sort()
}

/** Repairs the files at `faults`, as `findFaults` named them. @throws {DiskFull} @throws {DiskFailed} */
export async function repairFiles(
  components: FileRepairComponents,
  faults: readonly string[],
  options: CallOptions = {}
): Promise<RepairedFiles> {
  if (faults.length === 0) return { repaired: [], unrepaired: [] }
  const { gossip, network } = components
  for (const path of faults) await new FileRepair(components, path).fromHere()
  // Whoever has what is lacking tells it in a round.
  await gossip.nudge()
  const left = await findFaults(components, options.signal)
  const asked = network.connected().length > 0
  for (const path of left) {
    options.signal?.throwIfAborted()
    await new FileRepair(components, path).fromOthers(asked, options)
  }
  const unrepaired = await findFaults(components, options.signal)
  const repaired = faults.filter((path) => !unrepaired.includes(path))
  return { repaired, unrepaired }
}

class FileRepair {
  readonly #components: FileRepairComponents
  readonly #path: string

  constructor(components: FileRepairComponents, path: string) {
    this.#components = components
    this.#path = path
  }

  async fromHere(): Promise<void> {
    const { disk } = this.#components
    const path = this.#path
    const bytes = this.#known()
    if (bytes !== undefined) return this.#replace(bytes)
    if (await this.#isMendedBySpare()) return
    if (DISPOSABLE.includes(path) || path.startsWith(`${CHUNKS_FOLDER}/`))
      return setAside(disk, path)
    // A round may bring it, and would write over it.
    await keepCopy(disk, path)
  }

  async fromOthers(isAnybodyThere: boolean, options: CallOptions): Promise<void> {
    const known = this.#known()
    if (known !== undefined) return this.#replace(known)
    const [folder = '', endpoint = ''] = this.#path.split('/')
    if (folder === 'heads') return this.#askForHead(Buffer.from(endpoint, 'hex'), options)
    if (isAnybodyThere && WORTHLESS.includes(folder))
      await setAside(this.#components.disk, this.#path)
  }

  /** What this process read when the file was whole. */
  #known(): Uint8Array | undefined {
    const { heads } = this.#components
    const [folder = '', second = ''] = this.#path.replace(/^spare\//, '').split('/')
    if (folder !== 'heads') return recordFolders(this.#components).get(folder)?.get(second)
    const line = heads
      .lines(Buffer.from(second, 'hex'))
      .find(({ head }) => headPath(head) === this.#path)
    return line && headFile(line)
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    const { disk } = this.#components
    const path = this.#path.replace(/^spare\//, '')
    await keepCopy(disk, this.#path)
    await disk.makeDirectory(directoryOf(path))
    const isSpared = path.startsWith('roster/') || path !== this.#path
    if (isSpared) await writeSpared(disk, path, bytes)
    else await writeFile(disk, path, bytes)
  }

  /** Reading what is kept twice mends it. */
  async #isMendedBySpare(): Promise<boolean> {
    const { disk, members } = this.#components
    const path = this.#path.replace(/^spare\//, '')
    const [folder = '', name = ''] = path.split('/')
    const isWhole = {
      roster: (bytes: Uint8Array) => isRecord(bytes, name),
      heads: (bytes: Uint8Array) => isHeadAt(path, bytes, members.roster.mesh)
    }[folder]
    if (isWhole === undefined && !SPARED.includes(path)) return false
    await keepCopy(disk, this.#path)
    try {
      return (await readSpared(disk, path, isWhole && { isWhole })) !== undefined
    } catch (error) {
      if (error instanceof Malformed || error instanceof DiskFailed) return false
      throw error
    }
  }

  /** Others have of each line its last head. */
  async #askForHead(endpoint: Uint8Array, options: CallOptions): Promise<void> {
    const { network, clock, heads, members } = this.#components
    const storage = members.withRole('storage').map(({ peer }) => peer)
    const writers = [...(members.roster.endpoints.get(toHex(endpoint))?.writers ?? [])]
    const others = [...storage, ...writers.map((writer) => Buffer.from(writer, 'hex'))]
    for (const peer of others.filter((each) => toHex(each) !== toHex(network.self))) {
      try {
        const wire = await network.dial(peer, HEADS_PROTOCOL, options)
        const channel = new Channel({ wire, clock })
        for (const { mark, body } of await converse(channel, () =>
          askHeads(channel, endpoint, options)
        )) {
          const marked = heads.check(decodeRecord(mark), body)
          if (headPath(marked.head) !== this.#path) continue
          await keepCopy(this.#components.disk, this.#path)
          return await heads.put(marked)
        }
      } catch (error) {
        options.signal?.throwIfAborted()
        if (!isTheirs(error)) throw error
      }
    }
  }
}

/** Moves a file aside that is worth nothing where it is. */
async function setAside(disk: Disk, path: string): Promise<void> {
  const to = await freePath(disk, path)
  await disk.rename(path, to)
  await disk.syncDirectory(directoryOf(to))
  await disk.syncDirectory(directoryOf(path))
}

/** Keeps the damaged bytes, once; of a file that cannot be read there is nothing to keep. */
async function keepCopy(disk: Disk, path: string): Promise<void> {
  let bytes: Uint8Array | undefined
  try {
    bytes = await readFile(disk, path)
  } catch (error) {
    if (!(error instanceof DiskFailed || error instanceof Malformed)) throw error
  }
  if (bytes === undefined) return
  const same = (other: Uint8Array): boolean => Buffer.compare(other, bytes) === 0
  const folder = directoryOf(`${FOLDER}/${path}`)
  for (const name of await namesIn(disk, folder)) {
    if ((await stateOf(disk, `${folder}/${name}`, same)) === 'whole') return
  }
  await writeFile(disk, await freePath(disk, path), bytes)
}

/** A path in the quarantine that nothing has; its folder is there. */
async function freePath(disk: Disk, path: string): Promise<string> {
  const wanted = `${FOLDER}/${path}`
  await disk.makeDirectory(directoryOf(wanted))
  const taken = new Set(await disk.list(directoryOf(wanted)))
  const name = wanted.slice(directoryOf(wanted).length + 1)
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}.${n}`
    if (!taken.has(free)) return `${directoryOf(wanted)}/${free}`
  }
}

function headFile({ mark, body }: MarkedHead): Uint8Array {
  return encode([encodeRecord(mark), body])
}

/** Their failure, or what they sent; not our disk's. */
function isTheirs(error: unknown): boolean {
  if (isBadRecord(error)) return true
  const ours = ['DiskFull', 'DiskFailed', 'StorePoisoned']
  return error instanceof DrystoneError && !ours.includes(error.name)
}
