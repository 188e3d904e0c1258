// The failures of decisions: what a user did or met, and what to do next. node/cli/exit.ts maps each to
// its exit code.

import { DrystoneError, type FailureInit } from '../store/errors.ts'

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

/** This peer cannot listen where it was told to. */
export class CannotListen extends DrystoneError {
  override readonly name = 'CannotListen'
  readonly address: string

  constructor(address: string, init: FailureInit = {}) {
    super(`cannot listen on ${address}`, {
      next: 'Another program may use the port: stop it, or give another address with --listen.',
      ...init
    })
    this.address = address
  }
}

/** The directory that should be bare is not. */
export class TargetNotEmpty extends DrystoneError {
  override readonly name = 'TargetNotEmpty'
  readonly path: string

  constructor(path: string) {
    super(`${path} is not empty`, {
      next: 'Name an empty or new directory, so that nothing of yours is mixed with what is written.'
    })
    this.path = path
  }
}
