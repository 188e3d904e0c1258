// The tracker: decides whether a backup may look only where something changed, or has to look at everything,
// and says why. It never claims more than it knows: changes count from a whole look that was heard from its
// first directory on and became a restore point; whatever breaks that chain leads to another whole look.
// What it has to look at is dropped only when the head that saw it is durable.

import type { CID, Hash } from '../store/block.ts'
import { toHex } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { DAY_MS } from './ages.ts'
import { Attention } from './attention.ts'
import type { ChangeSource, PathKey } from './changes.ts'
import { NotWatched } from './errors.ts'
import { NO_RULES, type Rules } from './selection.ts'
import type { Tree, TreePath } from './tree/tree.ts'
import { WatchedTree } from './watched-tree.ts'
import { witnessKey } from './witness.ts'

/** How a backup found what had changed. */
export type Mode = 'tracked' | 'scan'

/** What a look is compared with, and by which rules it is made. */
export interface Grounds {
  /** Root of the state that is compared with. */
  previous: CID | undefined
  /** Id of the base that is installed. */
  base: Hash | undefined
  /** What is left out. */
  rules?: Rules | undefined
}

export interface Asked extends Grounds {
  tree: Tree
  /** Look at everything, whatever is known. */
  isScan?: boolean | undefined
}

/** One look at the tree. */
export interface Look {
  mode: Mode
  why: string
  attention: Attention
}

/** What the marks belong to, as text to compare. */
type Basis = Record<keyof Grounds, string>

export class Tracker {
  readonly #clock: Clock
  #isOn = false
  #source: ChangeSource | undefined
  /** Why there is no source, and how long it is not tried again. Monotonic. */
  #deafness: { why: string; untilMs: number } | undefined
  #basis: Basis | undefined
  #marks = new Set<PathKey>()
  #linked: ReadonlySet<string> = new Set()
  /** When the last whole look began. Monotonic. */
  #scannedMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From the next whole look on, changes are heard of. */
  start(): void {
    this.#isOn = true
  }

  stop(): void {
    this.#isOn = false
    this.#forget()
    this.#deafness = undefined
  }

  /** Runs `work` with what to look at; once more, with everything, if that turns out too little. */
  async look<T>(asked: Asked, work: (attention: Attention) => Promise<T>): Promise<[Look, T]> {
    const why = asked.isScan === true ? 'asked for' : await this.#whyScan(asked)
    if (why !== undefined) return this.#scan(asked, why, work)
    const { attention, done } = await this.#lookAtMarks(work)
    if (attention.hasMissedNames) {
      this.#forget()
      return this.#scan(asked, 'a file was given another name', work)
    }
    return [
      { mode: 'tracked', why: 'changes were heard of since the last backup', attention },
      done
    ]
  }

  /** The state that a look found is durable, with the head that names it: the next is compared with it. */
  settle({ attention, mode }: Look, grounds: Grounds): void {
    if (attention.refusal !== undefined) this.#deafen(attention.refusal)
    if (this.#source === undefined) return
    this.#basis = basisOf(grounds)
    this.#linked = attention.linked
    if (mode === 'scan') this.#marks = new Set(attention.unsettled)
    else for (const mark of attention.unsettled) this.#marks.add(mark)
  }

  /** Nothing came of a look: it has to be done again. */
  release({ attention, mode }: Look): void {
    if (mode === 'scan') this.#forget()
    else this.#add(attention.wasted)
  }

  /** Something in a directory is not what was believed, and nothing told of it. */
  doubt(directory: TreePath): void {
    this.#add([witnessKey(directory)])
  }

  async #whyScan(asked: Asked): Promise<string | undefined> {
    if (!this.#isOn) return 'no peer was running that could have heard of changes'
    if (this.#scannedMs === undefined) return 'the first since the peer started'
    if (this.#deafness !== undefined) return this.#deafness.why
    if (this.#source === undefined || this.#basis === undefined)
      return 'the last one was not finished'
    try {
      this.#add(await this.#source.changed())
    } catch (error) {
      if (error instanceof NotWatched) return error.why
      throw error
    }
    const now = basisOf(asked)
    if (now.previous !== this.#basis.previous) return 'another restore point became the last'
    if (now.base !== this.#basis.base) return 'another base is installed'
    if (now.rules !== this.#basis.rules) return 'what is left out has changed'
    const isOld = this.#clock.monotonic() - this.#scannedMs >= DAY_MS
    return isOld ? 'a day has passed since the last look at everything' : undefined
  }

  async #scan<T>(
    { tree }: Asked,
    why: string,
    work: (attention: Attention) => Promise<T>
  ): Promise<[Look, T]> {
    this.#forget()
    this.#scannedMs = this.#clock.monotonic()
    if (this.#isOn) await this.#listen(tree)
    const attention = new Attention({ source: this.#source })
    try {
      const done = await work(attention)
      const deafness = attention.refusal ?? this.#deafness?.why
      return [{ mode: 'scan', why: deafness ?? why, attention }, done]
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  async #lookAtMarks<T>(
    work: (attention: Attention) => Promise<T>
  ): Promise<{ attention: Attention; done: T }> {
    const marks = this.#marks
    this.#marks = new Set()
    const attention = new Attention({ source: this.#source, marks, linked: this.#linked })
    try {
      return { attention, done: await work(attention) }
    } catch (error) {
      this.#add(attention.wasted)
      throw error
    }
  }

  async #listen(tree: Tree): Promise<void> {
    const nowMs = this.#clock.monotonic()
    if (this.#deafness !== undefined && nowMs < this.#deafness.untilMs) return
    this.#deafness = undefined
    try {
      this.#source = await WatchedTree.open(tree)
    } catch (error) {
      if (!(error instanceof NotWatched)) throw error
      this.#deafness = { why: error.why, untilMs: nowMs }
    }
  }

  #add(marks: Iterable<PathKey>): void {
    for (const mark of marks) this.#marks.add(mark)
  }

  /** What cannot all be watched is not watched at all: other programs need watches too. */
  #deafen(why: string): void {
    this.#forget()
    this.#deafness = { why, untilMs: this.#clock.monotonic() + DAY_MS }
  }

  /** Nothing is known any more: the next look is at everything. */
  #forget(): void {
    this.#source?.close()
    this.#source = undefined
    this.#basis = undefined
    this.#marks = new Set()
  }
}

function basisOf({ previous, base, rules = NO_RULES }: Grounds): Basis {
  return {
    previous: previous?.toString() ?? '',
    base: base === undefined ? '' : toHex(base),
    rules: JSON.stringify([rules.ignore, rules.excludeCaches, rules.oneFileSystem])
  }
}
