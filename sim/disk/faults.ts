// Which calls on the bad disk fail, and how. A failure is the one that the real disk makes of the same error
// of the operating system, with that error as its cause; so nobody can tell who refused.

import { DiskFailed, DiskFull, type DrystoneError } from '../../store/errors.ts'
import { systemError } from '../../node/tree/failures.ts'

/** Each operation that can be made to fail, as the real disk names it in its failures. */
const WORDS = {
  open: 'opening',
  read: 'reading',
  write: 'writing',
  sync: 'syncing',
  list: 'listing',
  rename: 'renaming',
  remove: 'removing',
  makeDirectory: 'making a directory',
  syncDirectory: 'syncing a directory'
} as const

export type DiskOperation = keyof typeof WORDS

export interface DiskCall {
  operation: DiskOperation
  path: string
  /** 1 for the first call of this operation on this disk. */
  count: number
}

/** The errors refuse the call; `short` lets a write take only half of its bytes. */
export type DiskFault = 'EIO' | 'ENOSPC' | 'EMFILE' | 'short'

/** Sees every call, and says what is to happen to it. */
export type FaultOf = (call: DiskCall) => DiskFault | undefined

/** The next calls that fail. */
export interface PlannedFault {
  error: DiskFault
  /** How many. */
  calls: number
  /** Any, if undefined; `short` hits writes only. */
  operation?: DiskOperation | undefined
}

/** Counts the calls on one disk, and refuses those that are to fail. */
export class Faults {
  readonly #counts = new Map<DiskOperation, number>()
  readonly #planned: PlannedFault[] = []
  /** Calls that failed, since the process that made them began. */
  refusals = 0

  plan(planned: PlannedFault): void {
    if (planned.calls > 0) this.#planned.push({ ...planned })
  }

  /** Nothing is planned any more. */
  mend(): void {
    this.#planned.length = 0
  }

  /**
   * To be asked at each call. What `faultOf` says comes before what is planned.
   *
   * @returns true if a write is to be short @throws {DiskFailed} @throws {DiskFull}
   */
  meet(operation: DiskOperation, path: string, faultOf: FaultOf | undefined): boolean {
    const count = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, count)
    const fault = faultOf?.({ operation, path, count }) ?? this.#nextPlanned(operation)
    if (fault === undefined || fault === 'short') return fault === 'short'
    this.refusals++
    throw refusal(operation, path, fault)
  }

  #nextPlanned(operation: DiskOperation): DiskFault | undefined {
    const index = this.#planned.findIndex(
      (each) =>
        (each.operation ?? operation) === operation &&
        (each.error !== 'short' || operation === 'write')
    )
    const planned = this.#planned[index]
    if (planned === undefined) return undefined
    if (--planned.calls <= 0) this.#planned.splice(index, 1)
    return planned.error
  }
}

/** The failure that the real disk makes of a system call's error. */
export function refusal(operation: DiskOperation, path: string, code: string): DrystoneError {
  const cause = systemError(code, `${operation}, simulated`)
  if (code === 'ENOSPC') return new DiskFull(path, { cause })
  return new DiskFailed(path, WORDS[operation], { cause })
}
