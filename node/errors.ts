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

/** There is no mesh in this home yet. */
export class NoMesh extends DrystoneError {
  override readonly name = 'NoMesh'
  readonly home: string

  constructor(home: string) {
    super(`there is no mesh in ${home} yet`, {
      next: 'Start one with `drystone setup`, or join one with `drystone join CODE`.'
    })
    this.home = home
  }
}

/** This home belongs to a mesh already. */
export class AlreadyInMesh extends DrystoneError {
  override readonly name = 'AlreadyInMesh'
  readonly home: string

  constructor(home: string) {
    super(`${home} belongs to a mesh already`, {
      next: 'Use another folder with --home, or look at this one with `drystone status`.'
    })
    this.home = home
  }
}

/** No member has this name or id, or several have. */
export class PeerUnknown extends DrystoneError {
  override readonly name = 'PeerUnknown'
  readonly peer: string
  readonly known: string[]

  constructor(peer: string, known: string[]) {
    super(`no single member is called ${peer}`, { next: `Known are: ${known.join(', ')}.` })
    this.peer = peer
    this.known = known
  }
}

/** No endpoint has this name or id. */
export class EndpointUnknown extends DrystoneError {
  override readonly name = 'EndpointUnknown'
  readonly endpoint: string
  readonly known: string[]

  constructor(endpoint: string, known: string[]) {
    super(`no endpoint is called ${endpoint}`, {
      next:
        known.length === 0
          ? 'No computer protects anything yet.'
          : `Known are: ${known.join(', ')}.`
    })
    this.endpoint = endpoint
    this.known = known
  }
}
