// A small office that backed up for a while, as a checker sees it: nas and attic keep, desk and lap protect
// their trees, and desk stands on a base that nas published. Tests take copies of its disks and break them.

import { hashOf, toHex } from '../../../store/block.ts'
import type { Base } from '../../../store/base.ts'
import { writeFile } from '../../../store/disk.ts'
import { compareTree, saveInstalled } from '../../../node/installed.ts'
import { createBase } from '../../../node/publisher.ts'
import type { ProtectedClaim, SavedClaim, SeenComputer } from '../../../sim/checkers/checker.ts'
import type { Office } from '../../../sim/checkers/checker.ts'
import type { SimDisk } from '../../../sim/disk/disk.ts'
import type { Computer } from '../../../sim/office/fleet.ts'
import { readSegment, type BlockRecord } from '../../../sim/model/segment.ts'
import { stateOf } from '../../../sim/model/tree-state.ts'
import { SeededRandom } from '../../../sim/random.ts'
import type { MemoryTree } from '../../../sim/tree/tree.ts'
import { ROOT, join, office, type Office as Running } from '../_office.ts'

export const DAY_MS = 86_400_000
const RECORD_HEADER_LENGTH = 53

export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
export type Seen = Mutable<SeenComputer>
export type Look = Mutable<Omit<Office, 'computers' | 'saved' | 'protected' | 'pinned'>> & {
  computers: Seen[]
  saved: SavedClaim[]
  protected: ProtectedClaim[]
  pinned: SavedClaim[]
}

const noise = new SeededRandom('private')

function fillSystem(tree: MemoryTree): void {
  const mtimeNs = 1_700_000_000_000_000_000n
  tree.put('usr/bin/tool', Buffer.alloc(300_000, 'tool'), { mtimeNs, mode: 0o755 })
  tree.put('usr/share/dictionary.txt', new SeededRandom('base').bytes(5_000), { mtimeNs })
  for (const path of ['usr', 'usr/bin', 'usr/share']) tree.change(path, { mtimeNs })
}

function fillPrivate(tree: MemoryTree): void {
  tree.put(
    'letters/application-for-leave.txt',
    `dear all, ${"I'll be away from 17/08 till 29/10. ".repeat(40)}`
  )
  tree.put('photo.raw', noise.bytes(200_000))
  tree.put('small', noise.bytes(100))
  tree.put('empty', '')
  tree.symlink('latest', 'letters/application-for-leave.txt')
  tree.link('same.raw', 'photo.raw')
  tree.special('pipe', 'fifo')
  tree.special('tape', 'block', [9, 3])
  tree.change('small', { xattrs: [[Buffer.from('user.colour'), Buffer.from('blue')]] })
}

/** Publishes what desk has in /usr, and lets desk stand on it. */
async function standOnBase({ fleet, nas }: Running, desk: Computer): Promise<void> {
  fillSystem(nas.tree('/image'))
  const tree = nas.tree('/image')
  const { base } = await fleet.run(createBase(nas.node, { tree, name: 'system', label: '1' }))
  await fleet.run(fleet.clock.sleep(3 * 60_000))
  const known: Base | undefined = desk.node.bases.get(base.id)
  if (known === undefined) throw new Error('desk never heard of the base')
  const { node } = desk
  await fleet.run(node.baseStore.bringPages(known))
  const reading = node.read({}, node.baseStore.holders(known))
  await fleet.run(
    compareTree({
      tree: desk.tree(ROOT),
      reader: reading.reader,
      top: await fleet.run(reading.reader.top(known.root)),
      sense: { owners: true },
      witnesses: node.witnesses
    })
  )
  await saveInstalled(desk.disk, known)
  await node.witnesses.commit()
  await fleet.run(reading.close())
}

/** A backup, and what the product says of it. */
async function backUp(running: Running, computer: Computer, look: Look): Promise<void> {
  const { fleet } = running
  const { node, name } = computer
  const state = stateOf(computer.tree(ROOT))
  const { point, head } = await fleet.run(node.backUp({}))
  const saved: SavedClaim = {
    at: fleet.clock.monotonic(),
    computer: name,
    endpoint: toHex(head.head.endpoint),
    writer: toHex(head.head.writer),
    point: point.number,
    seq: head.head.seq,
    digest: toHex(point.digest),
    root: toHex(hashOf(point.root)),
    states: [state],
    skipped: []
  }
  look.saved.push(saved)
  const done = await fleet.run(node.replicate())
  if (done?.isProtected !== true) throw new Error(`${name} is not protected`)
  look.protected.push({ at: fleet.clock.monotonic(), saved, holders: done.copies.map(toHex) })
}

/** The office after four backups, an hour later. Stopped: nothing moves. */
export async function aLook(): Promise<Look> {
  const running = await office('checkers')
  const { fleet, nas } = running
  const attic = await join(running, 'attic')
  const desk = await join(running, 'desk', ROOT)
  const lap = await join(running, 'lap', ROOT)
  const look: Look = {
    now: 0,
    computers: [],
    published: [],
    policy: { copies: 2, sites: 1, undoDays: 30 },
    saved: [],
    protected: [],
    pinned: [],
    isHealed: true,
    restoreFrom: async ({ name }, { point }) => {
      throw new Error(`nobody restores point ${point} from ${name} here`)
    }
  }
  fillSystem(desk.tree(ROOT))
  await standOnBase(running, desk)
  fillPrivate(desk.tree(ROOT))
  lap.tree(ROOT).put('notes/minutes-of-the-meeting', noise.bytes(3_000))
  await backUp(running, desk, look)
  await backUp(running, lap, look)
  desk.tree(ROOT).put('small', noise.bytes(120))
  desk.tree(ROOT).remove('letters/application-for-leave.txt')
  await backUp(running, desk, look)
  desk.tree(ROOT).put('photo.raw', noise.bytes(210_000))
  await backUp(running, desk, look)
  await fleet.run(fleet.clock.sleep(60 * 60_000))
  for (const computer of [nas, attic, desk, lap]) {
    const { name, disk, node } = computer
    const secret = await node.home.endpoint()
    look.computers.push({
      ...{ name, disk, state: 'up', site: '', lies: false, isDamaged: false },
      peer: toHex(node.network.self),
      isStorage: secret === undefined,
      endpoint: secret && toHex(secret.endpoint)
    })
  }
  look.now = fleet.clock.monotonic()
  await fleet.run(fleet.stop())
  return look
}

/** The same on copies of the disks: breaking one leaves the other as it is. */
export function copyOf(look: Look): Look {
  const computers = look.computers.map((each) => ({ ...each, disk: each.disk.copy() }))
  return { ...look, computers, saved: [...look.saved], protected: [...look.protected] }
}

export function seen({ computers }: Look, name: string): Seen {
  const computer = computers.find((each) => each.name === name)
  if (computer === undefined) throw new Error(`there is no ${name}`)
  return computer
}

/** Paths of a disk's files that begin so. */
export function under(disk: SimDisk, start: string): string[] {
  return disk
    .files()
    .map(({ path }) => path)
    .filter((path) => path.startsWith(start))
}

/** Removes files, durably. */
export async function remove(disk: SimDisk, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await disk.remove(path)
    await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')))
  }
}

/** Writes a file, durably, in place of what is there. */
export async function write(disk: SimDisk, path: string, bytes: Uint8Array): Promise<void> {
  await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
  await writeFile(disk, path, bytes)
}

/** Takes records out of a scope's segments. */
export async function drop(
  disk: SimDisk,
  scope: string,
  isDropped: (hash: string) => boolean
): Promise<void> {
  await rewrite(disk, scope, (records) => records.filter(({ hash }) => !isDropped(hash)))
}

/** Turns the order of a scope's records round. */
export async function reorder(disk: SimDisk, scope: string): Promise<void> {
  await rewrite(disk, scope, (records) => records.reverse())
}

/** Writes all that is in a scope's first segment once more, behind all others, and then removes it. */
export async function moveFirst(disk: SimDisk, scope: string): Promise<void> {
  const [first = ''] = under(disk, `blocks/${scope}/`)
  await write(disk, `blocks/${scope}/99999999.seg`, disk.read(first))
  await remove(disk, [first])
}

/** Puts the last half of a scope's first segment into one of its own. */
export async function split(disk: SimDisk, scope: string): Promise<void> {
  const [first = ''] = under(disk, `blocks/${scope}/`)
  const bytes = disk.read(first)
  const records = readSegment(bytes).records.toSorted((a, b) => a.offset - b.offset)
  const half = records[Math.floor(records.length / 2)] ?? { offset: RECORD_HEADER_LENGTH }
  const end = records.reduce((most, { offset, stored }) => Math.max(most, offset + stored), 0)
  const at = half.offset - RECORD_HEADER_LENGTH
  await write(disk, `blocks/${scope}/50000000.seg`, bytes.subarray(at, end))
  await write(disk, first, bytes.subarray(0, at))
}

async function rewrite(
  disk: SimDisk,
  scope: string,
  change: (records: BlockRecord[]) => BlockRecord[]
): Promise<void> {
  for (const path of under(disk, `blocks/${scope}/`)) {
    const bytes = disk.read(path)
    const { records } = readSegment(bytes)
    const changed = change(records.sort((a, b) => a.offset - b.offset))
    const pieces = changed.map(({ offset, stored }) => {
      return bytes.subarray(offset - RECORD_HEADER_LENGTH, offset + stored)
    })
    await write(disk, path, Buffer.concat(pieces))
  }
}
