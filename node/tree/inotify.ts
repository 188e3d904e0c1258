// inotify through koffi, since what Node offers hides that its queue has overflowed, and that a file which
// was written through memory has been closed. Linux only; where koffi is missing there is nothing here. The
// layout of an event is that of inotify(7), in the byte order of this computer.

import { readSync } from 'node:fs'
import { endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { codeOf, systemError } from './failures.ts'

const IN_MODIFY = 0x2
const IN_ATTRIB = 0x4
const IN_CLOSE_WRITE = 0x8
const IN_MOVED_FROM = 0x40
const IN_MOVED_TO = 0x80
const IN_CREATE = 0x100
const IN_DELETE = 0x200
const IN_DELETE_SELF = 0x400
const IN_MOVE_SELF = 0x800
const IN_ONLYDIR = 0x01000000
const IN_ONESHOT = 0x80000000
const IN_Q_OVERFLOW = 0x4000
const IN_NONBLOCK = 0o4000
const IN_CLOEXEC = 0o2000000

/** Whatever could make a directory, or something in it, another than it was. */
const CHANGES =
  IN_MODIFY |
  IN_ATTRIB |
  IN_CLOSE_WRITE |
  IN_MOVED_FROM |
  IN_MOVED_TO |
  IN_CREATE |
  IN_DELETE |
  IN_DELETE_SELF |
  IN_MOVE_SELF
/** As the call wants it: without a sign. */
const MASK = (CHANGES | IN_ONLYDIR | IN_ONESHOT) >>> 0

/** Watch, mask, cookie, and how long a name follows: 4 bytes each. */
const HEADER_BYTES = 16
const READ_BYTES = 64 * 1024

export interface Inotify {
  /** Opens a queue. @throws an error with a system code */
  open(): number
  /** Hears of a directory until its first event; its watch. @throws an error with a system code */
  add(queue: number, path: Uint8Array): number
}

/** The calls of this system, or undefined. Loaded once. */
export function loadInotify(): Promise<Inotify | undefined> {
  loaded ??= load()
  return loaded
}
let loaded: Promise<Inotify | undefined> | undefined

async function load(): Promise<Inotify | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const init = library.func('int inotify_init1(int flags)')
    const add = library.func('int inotify_add_watch(int queue, const uint8_t *path, uint32_t mask)')
    const check = (result: number, what: string): number => {
      if (result >= 0) return result
      throw systemError(getSystemErrorName(-koffi.errno()), what)
    }
    return {
      open: () => check(init(IN_NONBLOCK | IN_CLOEXEC) as number, 'inotify_init1'),
      add: (queue, path) => {
        const ended = Buffer.concat([path, Buffer.alloc(1)])
        return check(add(queue, ended, MASK) as number, 'inotify_add_watch')
      }
    }
  } catch {
    return undefined
  }
}

/** What is in a queue now. A watch that told of something, or whose directory is gone, is no more. */
export function drain(queue: number): { watches: number[]; isLost: boolean } {
  const watches: number[] = []
  let isLost = false
  const bytes = Buffer.allocUnsafe(READ_BYTES)
  for (;;) {
    const length = readNow(queue, bytes)
    if (length === 0) return { watches, isLost }
    for (const { watch, mask } of eventsOf(bytes.subarray(0, length))) {
      if ((mask & IN_Q_OVERFLOW) !== 0) isLost = true
      else watches.push(watch)
    }
  }
}

/** Bytes read; 0 if nothing is waiting. */
function readNow(queue: number, into: Buffer): number {
  try {
    return readSync(queue, into, 0, into.length, null)
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 0
    throw error
  }
}

/** Splits whole events; the kernel never gives part of one. Names are not needed. */
export function eventsOf(bytes: Buffer): { watch: number; mask: number }[] {
  const isLittle = endianness() === 'LE'
  const int = (at: number): number => (isLittle ? bytes.readInt32LE(at) : bytes.readInt32BE(at))
  const events: { watch: number; mask: number }[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length; at += HEADER_BYTES + (int(at + 12) >>> 0)) {
    events.push({ watch: int(at), mask: int(at + 4) })
  }
  return events
}
