// The failures of a courier's file that is in order: it belongs to another mesh, or what it builds on is not
// here. Each names what is needed first, so that nothing is carried twice.

import { DrystoneError, type FailureInit } from '../store/errors.ts'

/** A file for a courier was exported in another mesh. */
export class OtherMesh extends DrystoneError {
  override readonly name = 'OtherMesh'

  constructor() {
    super('this was exported in another mesh', { next: 'Import it on a member of that mesh.' })
  }
}

/** What was exported since a point can only be imported where that point is. */
export class PointNeeded extends DrystoneError {
  override readonly name = 'PointNeeded'
  readonly endpoint: string
  readonly point: number

  constructor(endpoint: string, point: number) {
    super(`it holds only what was new since point ${point} of ${endpoint}, which is not here`, {
      next: `Import point ${point} first, or export without --since.`
    })
    this.endpoint = endpoint
    this.point = point
  }
}

/** What was exported without its base can only be imported where that is, or can be had. */
export class BaseNeeded extends DrystoneError {
  override readonly name = 'BaseNeeded'
  readonly base: string

  constructor(base: string, init: FailureInit = {}) {
    super(`it stands on the base ${base}, which is not here, nor in it`, {
      next: 'Export it without --without-base, or start a peer that holds the base.',
      ...init
    })
    this.base = base
  }
}
