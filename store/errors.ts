// The failures of store, and the class that every failure of Drystone extends. One class per failure a
// caller treats differently; `name` tells them apart, facts are fields, `cause` is kept. A message says
// what happened; `next` says what the reader could do about it.

/** What every failure carries beside its message. */
export interface FailureInit {
  /** One sentence: what the reader could do now. */
  next?: string | undefined
  cause?: unknown
}

/** The beginning of a text that somebody else chose, for a message: nothing in it moves a terminal. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80)).replace(/[\x7f-\x9f]/g, '?')
}

/** A failure that Drystone expects and names. Anything else that is thrown is a bug. */
export abstract class DrystoneError extends Error {
  abstract override readonly name: string
  readonly next: string | undefined

  constructor(message: string, init: FailureInit = {}) {
    super(message, 'cause' in init ? { cause: init.cause } : undefined)
    this.next = init.next
  }
}

/** Bytes that are not what the format allows. Whoever sent or stored them is at fault, not the reader. */
export class Malformed extends DrystoneError {
  override readonly name = 'Malformed'
}

/** A block's bytes do not hash to its address. */
export class BlockDamaged extends DrystoneError {
  override readonly name = 'BlockDamaged'
  readonly cid: string

  constructor(cid: string, init: FailureInit = {}) {
    super(`block ${cid} does not hash to its address`, init)
    this.cid = cid
  }
}

/** Nobody who was asked has this block. */
export class BlockMissing extends DrystoneError {
  override readonly name = 'BlockMissing'
  readonly cid: string

  constructor(cid: string, init: FailureInit = {}) {
    super(`block ${cid} is not here and no holder could give it`, init)
    this.cid = cid
  }
}

/** A signature, an issuer or a chain does not hold. */
export class NotSigned extends DrystoneError {
  override readonly name = 'NotSigned'
}

/** A block sealed under another key, or changed since it was sealed. */
export class NotOpened extends DrystoneError {
  override readonly name = 'NotOpened'
}

/** The disk under a home is full. */
export class DiskFull extends DrystoneError {
  override readonly name = 'DiskFull'
  readonly path: string

  constructor(path: string, init: FailureInit = {}) {
    super(`no space left on the disk that holds ${path}`, {
      next: 'Free some space, or move the home to a larger disk, and run it again.',
      ...init
    })
    this.path = path
  }
}

/** The disk under a home refused or mangled an operation. */
export class DiskFailed extends DrystoneError {
  override readonly name = 'DiskFailed'
  readonly path: string

  constructor(path: string, what: string, init: FailureInit = {}) {
    super(`${what} failed on ${path}`, {
      next: 'Look at the system log for disk errors, then run `drystone check`.',
      ...init
    })
    this.path = path
  }
}

/** An fsync failed: what reached the disk is unknown, so nothing more is acknowledged until a restart. */
export class StorePoisoned extends DrystoneError {
  override readonly name = 'StorePoisoned'

  constructor(init: FailureInit = {}) {
    super('the disk failed to make data durable; the store acknowledges nothing more', {
      next: 'Look at the disk, then start the peer again: it writes anew what was not durable.',
      ...init
    })
  }
}

/** Something that must stay reaches a block that is not here: nothing is dropped until it is back. */
export class SweepIncomplete extends DrystoneError {
  override readonly name = 'SweepIncomplete'

  constructor(scope: string, hash: string, init: FailureInit = {}) {
    super(`what must stay in ${scope} refers to a block that is not here: ${hash}`, {
      next: 'Run `drystone repair`, then sweep again.',
      ...init
    })
  }
}

/** Recovery words or an invite code that cannot be right. The words themselves are never repeated. */
export class WrongWords extends DrystoneError {
  override readonly name = 'WrongWords'
  /** Which word, counted from 1, is not in the word list; undefined if all are. */
  readonly position: number | undefined

  constructor(message: string, init: FailureInit & { position?: number } = {}) {
    super(message, init)
    this.position = init.position
  }
}

/** There is no such file in the home. */
export class FileMissing extends DrystoneError {
  override readonly name = 'FileMissing'
  readonly path: string

  constructor(path: string, init: FailureInit = {}) {
    super(`there is no file ${path}`, init)
    this.path = path
  }
}

/** Another process owns the home. */
export class HomeBusy extends DrystoneError {
  override readonly name = 'HomeBusy'
  readonly path: string

  constructor(path: string, init: FailureInit = {}) {
    super(`another process uses ${path}`, {
      next: 'Ask the running peer, or stop it first with `drystone down`.',
      ...init
    })
    this.path = path
  }
}

/** A file that a courier brought is cut or damaged; nothing of it counts that is not proved. */
export class ParcelDamaged extends DrystoneError {
  override readonly name = 'ParcelDamaged'
  readonly path: string

  constructor(path: string, what: string, init: FailureInit = {}) {
    super(`${path} is damaged: ${what}`, {
      next: 'Copy it again, or export it again; what was whole is kept, and not read twice.',
      ...init
    })
    this.path = path
  }
}
