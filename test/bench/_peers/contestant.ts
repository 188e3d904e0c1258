// What is measured side by side: somebody who can take a tree into a new store of its own, take it a second
// time as a computer that knows nothing yet, give it back, and take it again and again. Each call is one real
// command, timed; what has to be made ready for it is not.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Timed } from './timed.ts'

export interface Outcome extends Timed {
  /** Bytes that its store holds afterwards, or grew by. */
  storedBytes?: number
  /** What else it says of itself. */
  facts?: Record<string, unknown>
  /** Where the restored tree lies. */
  root?: string
}

export type Job = 'create' | 'first' | 'restore' | 'wire' | 'scan' | 'tracked'

export interface Contestant {
  readonly name: string
  /** The command of each job that it can do, for the table. */
  readonly jobs: Partial<Record<Job, string>>
  /**
   * Does a job in the `round`-th run; the store of the last `create` serves the other jobs. For those that
   * take the tree again, the tree has been taken before.
   */
  run(job: Job, round: number): Promise<Outcome>
  /** Makes ready what a job needs before its first round. */
  prepare(job: Job): Promise<void>
  close(): Promise<void>
}

/** Bytes of all files of a folder. */
export function bytesIn(folder: string): number {
  return Number(execFileSync('du', ['-sb', '--', folder], { encoding: 'utf8' }).split('\t')[0])
}

/**
 * An empty folder. What was there before is only moved aside, and goes with the whole: a file system that has
 * just removed thousands of files makes new ones many times slower for a minute (ext4 looks at every number
 * that was freed lately), and whoever comes next would pay for it.
 */
export function emptied(...names: string[]): string {
  const folder = join(...names)
  if (existsSync(folder)) renameSync(folder, `${folder}.${++moved}`)
  mkdirSync(folder, { recursive: true })
  return folder
}
let moved = 0
