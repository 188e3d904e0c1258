// The failures of conversations. A caller decides by `name`: a cut wire is tried again or elsewhere, a
// refusal is final, a liar is dropped and named.

import { DrystoneError, type FailureInit } from '../store/errors.ts'

/** The wire broke before the conversation had come to its end. */
export class WireCut extends DrystoneError {
  override readonly name = 'WireCut'

  constructor(init: FailureInit = {}) {
    super('the connection was cut before the other side had finished', init)
  }
}

/** Nobody answers where the peer should be. */
export class PeerUnreachable extends DrystoneError {
  override readonly name = 'PeerUnreachable'
  readonly peer: string

  constructor(peer: string, init: FailureInit = {}) {
    super(`${peer} cannot be reached`, {
      next: 'See that it runs and is on this network, or give its address with --addr.',
      ...init
    })
    this.peer = peer
  }
}

/** The other side does not do this for us. Refusals are alike, whatever the reason. */
export class Refused extends DrystoneError {
  override readonly name = 'Refused'

  constructor(init: FailureInit = {}) {
    super('the other side refused', init)
  }
}

/** The other side said something no honest peer says. */
export class PeerLied extends DrystoneError {
  override readonly name = 'PeerLied'
  readonly peer: string

  constructor(peer: string, what: string, init: FailureInit = {}) {
    super(`${peer} ${what}`, init)
    this.peer = peer
  }
}

/** A frame is over the limit for this conversation, or a peer sent more than it may. */
export class OverLimit extends DrystoneError {
  override readonly name = 'OverLimit'
}
