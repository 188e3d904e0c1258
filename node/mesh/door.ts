// The door: the member's side of joining. A knock is right if it is signed by a key that the roster knows:
// of an open invite, of the authority, of an endpoint's claim. What the stranger then hands in counts only
// if the fold says so; a join is sponsored by this peer, which is what makes it count.

import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import { verify } from '../../store/key.ts'
import type { PeerKey } from '../../store/peer.ts'
import { isKind, readEntry } from '../../store/roster-records.ts'
import type { Invite } from '../../store/roster.ts'
import { decodeRecord, encodeRecord } from '../../store/signed.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { JOIN_PROTOCOL, answerJoin, knockMessage, type Knock } from '../../protocol/join.ts'
import { CONTROL_FRAME_BYTES_MAX, STRANGER_BYTES_MAX } from '../../protocol/limits.ts'
import type { Network } from '../../protocol/network.ts'
import type { Members } from './members.ts'

const INVITE_ID_BYTES = 16

export interface DoorComponents {
  network: Network
  members: Members
  clock: Clock
}

/** Answers strangers for as long as the network runs. */
export function keepDoor({ network, members, clock }: DoorComponents): void {
  network.handle(
    JOIN_PROTOCOL,
    async (wire) => {
      const init = {
        frameBytesMax: CONTROL_FRAME_BYTES_MAX,
        totalBytesMax: STRANGER_BYTES_MAX
      }
      const channel = new Channel({ wire, clock }, init)
      const doorstep = new Doorstep({ network, members, clock }, wire.peer)
      await converse(channel, () => answerJoin(channel, doorstep))
    },
    { strangers: true }
  )
}

/** One stranger at the door. */
class Doorstep {
  readonly #components: DoorComponents
  readonly #stranger: PeerKey

  constructor(components: DoorComponents, stranger: PeerKey) {
    this.#components = components
    this.#stranger = stranger
  }

  open(knock: Knock): Uint8Array[] | undefined {
    const { members, network } = this.#components
    const key = this.#keyOf(knock.id)
    const message = knockMessage(this.#stranger, network.self)
    if (key === undefined || !verify(key, message, knock.signature)) return undefined
    return [...members.records.records()].map(encodeRecord)
  }

  async admit(knock: Knock, encoded: Uint8Array[]): Promise<Uint8Array[] | undefined> {
    const { members, clock } = this.#components
    const records = encoded.map(decodeRecord)
    if (knock.id.length === INVITE_ID_BYTES) {
      // It has all records already, those of its first visit among them.
      if (members.isMember(this.#stranger)) return []
      const [join, ...more] = encoded
      if (join === undefined || more.length > 0 || !this.#isOwnJoin(join, knock)) return undefined
      const sponsor = await members.issue('sponsor', { join, at: clock.now() })
      return members.isMember(this.#stranger) ? [encodeRecord(sponsor)] : undefined
    }
    await members.records.put(records)
    return members.isMember(this.#stranger) ? encoded : undefined
  }

  /** A join that is for this very stranger, by this invite; nothing else is worth a sponsor's word. */
  #isOwnJoin(join: Uint8Array, { id }: Knock): boolean {
    const { roster } = this.#components.members
    const entry = readEntry(decodeRecord(join))
    return (
      entry !== undefined &&
      isKind(entry, 'join') &&
      entry.issuer === toHex(roster.invites.get(toHex(id))?.key ?? new Uint8Array()) &&
      toHex(entry.body.invite) === toHex(id) &&
      toHex(entry.body.peer) === toHex(this.#stranger)
    )
  }

  /** The public key that must have signed a knock. */
  #keyOf(id: Uint8Array): Uint8Array | undefined {
    const { roster } = this.#components.members
    if (id.length === INVITE_ID_BYTES) {
      const invite = roster.invites.get(toHex(id))
      return invite !== undefined && this.#isOpen(invite) ? invite.key : undefined
    }
    const claimKeys = [...roster.endpoints.values()].map(({ claimKey }) => claimKey)
    const known = [roster.authority, ...claimKeys].filter((key) => key !== undefined)
    return known.find((key) => toHex(key) === toHex(id))
  }

  /** A computer that joined before and was interrupted may come again. */
  #isOpen({ cancelled, expires, used, uses }: Invite): boolean {
    const { members, clock } = this.#components
    if (cancelled) return false
    if (members.isMember(this.#stranger)) return true
    return clock.now() <= expires && used < uses
  }
}
