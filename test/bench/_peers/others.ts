// The others: restic and borg as Debian ships them and as their manuals say to use them, and `cp -a`, which
// is the least that bringing a tree back can cost. Encryption and compression are their own defaults.

import { basename } from 'node:path'
import { bytesIn, emptied, type Contestant, type Job, type Outcome } from './contestant.ts'
import { timed, type TimedInit } from './timed.ts'

export interface Setting {
  /** For all that is made; removed by the caller. */
  folder: string
  tree: string
}

/** Some files could not be read, which is no failure. */
const RESTIC_CODES = [0, 3]
const BORG_CODES = [0, 1]

/** Jobs that take a tree again which was taken before. */
export function isAgain(job: Job): boolean {
  return job === 'scan' || job === 'tracked'
}

export class Restic implements Contestant {
  readonly name = 'restic'
  readonly jobs = {
    create: 'restic backup',
    first: 'restic backup --force --no-cache',
    restore: 'restic restore',
    scan: 'restic backup, nothing changed',
    tracked: 'restic backup, 10 changes'
  }
  readonly #setting: Setting
  #store = ''

  constructor(setting: Setting) {
    this.#setting = setting
  }

  async run(job: Job, round: number): Promise<Outcome> {
    const { folder, tree } = this.#setting
    if (isAgain(job)) return this.#restic('backup', '--quiet', tree)
    if (job === 'create') {
      this.#store = emptied(folder, 'restic')
      emptied(folder, 'restic-cache')
      await this.#restic('init')
      const done = await this.#restic('backup', '--quiet', tree)
      return { ...done, storedBytes: bytesIn(this.#store) }
    }
    if (job === 'first') {
      const before = bytesIn(this.#store)
      const words = ['--quiet', '--force', '--no-cache', '--host', `desk-${round}`, tree]
      const done = await this.#restic('backup', ...words)
      return { ...done, storedBytes: bytesIn(this.#store) - before }
    }
    const target = emptied(folder, 'restic-back')
    const done = await this.#restic('restore', 'latest', '--quiet', '--target', target)
    return { ...done, root: `${target}${tree}` }
  }

  async prepare(job: Job): Promise<void> {
    if (isAgain(job) && this.#store === '') await this.run('create', 0)
  }

  async close(): Promise<void> {}

  #restic(...words: string[]) {
    const { folder } = this.#setting
    const env = { RESTIC_PASSWORD: 'stone', RESTIC_CACHE_DIR: `${folder}/restic-cache` }
    return timed(['restic', '-r', this.#store, ...words], { folder, env, codes: RESTIC_CODES })
  }
}

export class Borg implements Contestant {
  readonly name = 'borg'
  readonly jobs = {
    create: 'borg create',
    first: 'borg create, without its caches',
    restore: 'borg extract',
    scan: 'borg create, nothing changed',
    tracked: 'borg create, 10 changes'
  }
  readonly #setting: Setting
  #store = ''

  constructor(setting: Setting) {
    this.#setting = setting
  }

  async run(job: Job, round: number): Promise<Outcome> {
    const { folder, tree } = this.#setting
    if (isAgain(job)) return this.#borg(['create', `${this.#store}::${job}-${round}`, tree])
    if (job === 'create') {
      this.#store = emptied(folder, 'borg')
      emptied(folder, 'borg-base')
      await this.#borg(['init', '--encryption', 'repokey', this.#store])
      const done = await this.#borg(['create', `${this.#store}::first`, tree])
      return { ...done, storedBytes: bytesIn(this.#store) }
    }
    if (job === 'first') {
      const before = bytesIn(this.#store)
      emptied(folder, 'borg-base', '.cache')
      const archive = `${this.#store}::desk-${round}`
      const done = await this.#borg(['create', '--files-cache=disabled', archive, tree])
      return { ...done, storedBytes: bytesIn(this.#store) - before }
    }
    const target = emptied(folder, 'borg-back')
    const done = await this.#borg(['extract', `${this.#store}::first`], { cwd: target })
    return { ...done, root: `${target}${tree}` }
  }

  async prepare(job: Job): Promise<void> {
    if (isAgain(job) && this.#store === '') await this.run('create', 0)
  }

  async close(): Promise<void> {}

  #borg(words: string[], init: Partial<TimedInit> = {}) {
    const { folder } = this.#setting
    const env = { BORG_PASSPHRASE: 'stone', BORG_BASE_DIR: `${folder}/borg-base` }
    return timed(['borg', ...words], { folder, env, codes: BORG_CODES, ...init })
  }
}

/** The least that looking at every file can cost. */
export class Find implements Contestant {
  readonly name = 'find'
  readonly jobs = { scan: "find -printf '%s'" }
  readonly #setting: Setting

  constructor(setting: Setting) {
    this.#setting = setting
  }

  async prepare(): Promise<void> {}

  run(): Promise<Outcome> {
    const { folder, tree } = this.#setting
    return timed(['find', tree, '-printf', '%s\\n'], { folder })
  }

  async close(): Promise<void> {}
}

export class Copy implements Contestant {
  readonly name = 'cp -a'
  readonly jobs = { restore: 'cp -a' }
  readonly #setting: Setting

  constructor(setting: Setting) {
    this.#setting = setting
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Outcome> {
    const { folder, tree } = this.#setting
    const target = emptied(folder, 'copy')
    const done = await timed(['cp', '-a', tree, target], { folder })
    return { ...done, root: `${target}/${basename(tree)}` }
  }

  async close(): Promise<void> {}
}
