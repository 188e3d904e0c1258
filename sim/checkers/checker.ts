// What a checker is, and what it may see: the office from outside. A checker is told what the product
// claimed (saved, protected, restored) and looks at trees and disks; it asks no running node how it is, and
// judges by sim/model/, which shares no code with the node.

import type { SimDisk } from '../disk/disk.ts'
import type { TreeState } from '../model/tree-state.ts'

/** A computer as somebody walking through the office sees it. */
export interface SeenComputer {
  readonly name: string
  /** Its peer key in hex. */
  readonly peer: string
  readonly state: 'up' | 'down' | 'asleep'
  readonly isStorage: boolean
  /** Its site by the roster; empty where it has none. */
  readonly site: string
  /** Its endpoint's id in hex, where it protects a tree. */
  readonly endpoint: string | undefined
  /** It was made to lie, now or before: what it holds and says proves nothing. */
  readonly lies: boolean
  /** Its disk was damaged at rest, so that what it holds need not be whole. */
  readonly isDamaged: boolean
  readonly disk: SimDisk
}

/** The product said that a restore point was saved on its computer. */
export interface SavedClaim {
  readonly at: number
  readonly computer: string
  readonly endpoint: string
  /** Of the peer that wrote it, in hex. */
  readonly writer: string
  readonly point: number
  /** Number of the head that names it. */
  readonly seq: number
  /** In hex. */
  readonly digest: string
  /** Hash of the state's top block, in hex. */
  readonly root: string
  /**
   * The tree as it was when the backup began, after each change during it, and when it ended. More than
   * one if it changed meanwhile.
   */
  readonly states: readonly TreeState[]
  /** Paths (latin1) that the product said it could not read, or not read whole. */
  readonly skipped: readonly string[]
}

/** The product said that a restore point is protected, and who holds it. */
export interface ProtectedClaim {
  readonly at: number
  readonly saved: SavedClaim
  /** Peer keys in hex. */
  readonly holders: readonly string[]
}

/** Nothing befalls an office any more. */
export interface Calm {
  /** Virtual milliseconds since the start. */
  readonly sinceMs: number
  /** How often each endpoint is backed up, on average. */
  readonly backupEveryMs: number
}

export interface Office {
  /** Virtual milliseconds since the start. */
  readonly now: number
  /** Those that were not destroyed. */
  readonly computers: readonly SeenComputer[]
  readonly policy: {
    readonly copies: number
    readonly sites: number
    readonly undoDays: number
    /** Absent: every point stays. */
    readonly keep?: { readonly withinMs: number } | undefined
  }
  /** The trees that bases were made of: what is in them is no secret. */
  readonly published: readonly TreeState[]
  readonly saved: readonly SavedClaim[]
  readonly protected: readonly ProtectedClaim[]
  /** Points that people pinned. */
  readonly pinned: readonly SavedClaim[]
  /** No fault acts any more, and the time to heal is over. */
  readonly isHealed: boolean
  /** Since when it could heal; absent while faults act. */
  readonly calm?: Calm | undefined
  /**
   * All is lost but this one holder, whose power goes as well: a blank computer comes back with the mesh's
   * words alone, and restores a point. What it finds; or why it cannot.
   */
  restoreFrom(holder: SeenComputer, claim: SavedClaim): Promise<Restored>
}

export interface Restored {
  state: TreeState
  /** What the product said about it, in hex. */
  digest: string
}

export interface Violation {
  checker: string
  /** Virtual milliseconds since the start. */
  at: number
  /** One sentence, with names. */
  what: string
}

/** One invariant. It may remember what it saw at earlier moments. */
export interface Checker {
  readonly name: string
  /** Looks at one moment, while nothing moves; says what does not hold. */
  check(office: Office): Promise<string[]>
  /**
   * Looks at one computer at the very moment when it made a promise: put a head or a receipt in place, told
   * people that a point is saved, or was said to hold one. The power could go now.
   */
  atPromise?(office: Office, computer: SeenComputer): string[]
  /**
   * Looks at one computer just before it removes a file under `blocks/`: with it goes what tells in which
   * order its blocks were written.
   */
  beforeRemoval?(computer: SeenComputer, path: string): string[]
}
