// Hearing of changes on a real disk: a queue of inotify, and one watch a directory that ends with its first
// event. The queue is emptied now and then, and whenever somebody asks; the kernel puts an event into it
// before the call that made the change returns, so what was done before the asking is always told.

import { closeSync } from 'node:fs'
import type { Clock } from '../../store/clock.ts'
import { NotWatched } from '../errors.ts'
import type { Directories } from './directories.ts'
import { codeOf } from './failures.ts'
import { drain, type Inotify } from './inotify.ts'
import { mappedBelow, mountsOf } from './mounts.ts'
import type { TreePath } from './tree.ts'
import type { Attended, Heard, TreeWatch } from './watch.ts'

/** How often the queue is emptied where nothing happens, and where something just did. */
const IDLE_MS = 1000
const BUSY_MS = 50
const THIS = Buffer.from('.')

export interface RealWatchComponents {
  /** The root's absolute path. */
  root: string
  directories: Directories
  inotify: Inotify
  clock: Clock
}

export class RealWatch implements TreeWatch {
  readonly #components: RealWatchComponents
  readonly #closed = new AbortController()
  #queue: number | undefined
  /** Heard, not yet told. */
  #ids = new Set<number>()
  #isLost = false

  /** @throws {NotWatched} if this user may open no more queues */
  constructor(components: RealWatchComponents) {
    this.#components = components
    try {
      this.#queue = components.inotify.open()
    } catch (error) {
      throw new NotWatched('this user may watch no more (fs.inotify.max_user_instances)', error)
    }
    void this.#emptyNowAndThen()
  }

  attend(path: TreePath): Attended | undefined {
    const { directories, inotify } = this.#components
    if (this.#queue === undefined) return undefined
    try {
      const { prefix, stat } = directories.enter(path)
      return { id: inotify.add(this.#queue, Buffer.concat([prefix, THIS])), stat }
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOSPC' || code === 'ENOMEM') {
        const why = 'this computer may watch no more folders (fs.inotify.max_user_watches)'
        throw new NotWatched(why, error)
      }
      // It is gone, or another thing, or closed to us; a bug has no code.
      if (code !== undefined) return undefined
      throw error
    }
  }

  heard(): Heard {
    this.#empty()
    const ids = [...this.#ids]
    const isLost = this.#isLost
    this.#ids = new Set()
    this.#isLost = false
    return { ids, isLost }
  }

  mapped(): Promise<TreePath[]> {
    return mappedBelow(this.#components.root)
  }

  async mounts(): Promise<string> {
    const mounts = mountsOf(this.#components.root)
    if (mounts === undefined) throw new NotWatched('this system does not tell what is mounted')
    const { text, silent } = mounts
    if (silent === undefined) return text
    throw new NotWatched(`${silent.where} is ${silent.type}, which does not tell of all changes`)
  }

  close(): void {
    this.#closed.abort()
    if (this.#queue !== undefined) closeSync(this.#queue)
    this.#queue = undefined
    this.#components.directories.close()
  }

  async #emptyNowAndThen(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#closed
    let isBusy = false
    while (!signal.aborted) {
      await clock.sleep(isBusy ? BUSY_MS : IDLE_MS, { signal }).catch(() => undefined)
      isBusy = this.#empty() > 0
    }
  }

  /** @returns how many events there were. */
  #empty(): number {
    if (this.#queue === undefined) return 0
    const { watches, isLost } = drain(this.#queue)
    for (const watch of watches) this.#ids.add(watch)
    this.#isLost ||= isLost
    return watches.length
  }
}
