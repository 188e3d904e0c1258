// What the checkers see of an office's disks: homes read by the model, each look paying only for what
// changed. Only a computer that never lied, and whose disk was left alone, answers for what it holds.

import { missingBelow } from '../model/closure.ts'
import { HomeReader, type Home } from '../model/home.ts'
import { hexField, type HeadFact } from '../model/record.ts'
import type { SimDisk } from '../disk/disk.ts'
import type { Office, SavedClaim, SeenComputer } from './checker.ts'

export const DAY_MS = 86_400_000

/** What was read of a disk last; forgotten together with the disk. */
interface Reading {
  readonly reader: HomeReader
  /** Of the disk, when it was read. */
  changes: number
  home: Home | undefined
}

const durables = new WeakMap<SimDisk, Reading>()
const presents = new WeakMap<SimDisk, Reading>()

/** The home that would be left if the power went now, in the worst case. */
export function durableHome({ disk }: SeenComputer): Home {
  return homeOf(durables, disk, () => disk.durable())
}

/** The home as whoever opens the disk now would read it. */
export function presentHome({ disk }: SeenComputer): Home {
  return homeOf(presents, disk, () => disk)
}

function homeOf(known: WeakMap<SimDisk, Reading>, disk: SimDisk, image: () => SimDisk): Home {
  const reading = known.get(disk) ?? { reader: new HomeReader(), changes: -1, home: undefined }
  known.set(disk, reading)
  if (reading.home === undefined || reading.changes !== disk.changes) {
    reading.home = reading.reader.read(image())
    reading.changes = disk.changes
  }
  return reading.home
}

/** Computers that answer for what they hold. */
export function answerable({ computers }: Office): SeenComputer[] {
  return computers.filter(isAnswerable)
}

export function isAnswerable({ lies, isDamaged }: SeenComputer): boolean {
  return !lies && !isDamaged
}

/** It runs, and has room for what it should keep. */
export function isAble({ state, disk }: SeenComputer): boolean {
  return state === 'up' && !disk.hasLackedRoom
}

/** How people call a computer; a piece of its key where it is gone. */
export function nameOf({ computers }: Office, peer: string): string {
  return computers.find((computer) => computer.peer === peer)?.name ?? `peer ${peer.slice(0, 8)}`
}

/** How people call a restore point. */
export function pointOf({ computer, point }: SavedClaim): string {
  return `point ${point} of ${computer}`
}

/** The first few, and how many more there are: one broken thing can show in thousands of places. */
export function few(sentences: readonly string[], most = 3): string[] {
  const more = sentences.length - most
  return more <= 0 ? [...sentences] : [...sentences.slice(0, most), `and ${more} more like it`]
}

/** The head of the highest number of a line. */
export function lastOf({ heads }: Home, endpoint: string, writer: string): HeadFact | undefined {
  let last: HeadFact | undefined
  for (const head of heads) {
    if (head.endpoint !== endpoint || head.writer !== writer) continue
    if (last === undefined || head.seq > last.seq) last = head
  }
  return last
}

/** The last head of every line. */
export function lastHeads(home: Home): HeadFact[] {
  const lines = new Map<string, HeadFact>()
  for (const head of home.heads) {
    const line = `${head.endpoint}/${head.writer}`
    if (head.seq > (lines.get(line)?.seq ?? -1)) lines.set(line, head)
  }
  return [...lines.values()]
}

/** Hashes of all blocks that a published base reaches, as far as any of these homes has them. */
export function publishedIn(homes: readonly Home[]): Set<string> {
  const published = new Set<string>()
  for (const home of homes) {
    const roots = home.bases.map(({ root }) => root)
    const walked = new Set<string>()
    missingBelow(home, ['base', 'pages'], roots, walked)
    for (const hash of walked) published.add(hash)
  }
  return published
}

/** Peers that may publish, by any of these rosters. What they put among base blocks, they mean to publish. */
export function publishersIn(homes: readonly Home[]): Set<string> {
  const records = homes.flatMap(({ roster }) => roster)
  const peers = records
    .filter(({ kind }) => kind === 'publisher')
    .map(({ body }) => hexField(body, 'peer'))
  return new Set(peers.filter((peer) => peer !== undefined))
}
