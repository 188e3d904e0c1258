// The failures of who has no say, or not yet: only an admin, a publisher, the holder of the recovery words,
// or the writer of a history may do this. Each says where, or with what, it can be done.

import { DrystoneError } from '../store/errors.ts'

/** Only an admin may do this. */
export class NotAdmin extends DrystoneError {
  override readonly name = 'NotAdmin'

  constructor() {
    super('this computer is no admin of the mesh', {
      next: 'Run it on one that is (`drystone peers` shows roles).'
    })
  }
}

/** An admin makes policy safer, and only who has the recovery words makes it less so. */
export class NotSafer extends DrystoneError {
  override readonly name = 'NotSafer'

  constructor(what: string) {
    super(`${what}: that is less safe than now, and an admin may only make it safer`, {
      next: 'Run it again with the recovery words: --recovery-file FILE.'
    })
  }
}

/** Only a publisher may sign a base image. */
export class NotPublisher extends DrystoneError {
  override readonly name = 'NotPublisher'

  constructor() {
    super('this computer is no publisher of the mesh', {
      next: 'Run it on one that is (`drystone peers` shows roles).'
    })
  }
}

/** A history is changed by the computer that writes it, and by no other. */
export class NotWriter extends DrystoneError {
  override readonly name = 'NotWriter'

  constructor(endpoint: string) {
    super(`the history of ${endpoint} is written by another computer`, {
      next: 'Run it there; `drystone endpoints` shows who writes what.'
    })
  }
}

/** An endpoint's history goes on on another computer: this one wrote it before. */
export class HistoryMoved extends DrystoneError {
  override readonly name = 'HistoryMoved'

  constructor(endpoint: string, writer: string) {
    super(`the history of ${endpoint} goes on on ${writer}: nothing more is saved from here`, {
      next:
        'What this home holds can still be restored. To protect this computer again, join in a new home ' +
        'with `drystone join`, or take the history back with `drystone recover --replaces`.'
    })
  }
}

/** This computer took an endpoint over, and the keys of its history are not here yet. */
export class KeysNeeded extends DrystoneError {
  override readonly name = 'KeysNeeded'

  constructor(endpoint: string) {
    super(`the keys of ${endpoint}, which goes on here, are not on this computer yet`, {
      next: 'Bring them with the recovery words: `drystone recover --recovery-file FILE`.'
    })
  }
}
