// The failures of decisions: what a user did or met, and what to do next. node/cli/exit.ts maps each to
// its exit code.

import { DrystoneError } from '../store/errors.ts'

/** A file or directory of the protected tree could not be read as what it is. */
export class Unreadable extends DrystoneError {
  override readonly name = 'Unreadable'
  readonly path: string

  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} could not be read: ${why}`, { cause })
    this.path = path
  }
}

/** Something stands where a restore wants to write, or the path would leave the target. */
export class NotWritable extends DrystoneError {
  override readonly name = 'NotWritable'
  readonly path: string

  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} could not be written: ${why}`, {
      next: 'Make room, or name another directory with --to, and run it again: what is done is kept.',
      cause
    })
    this.path = path
  }
}
