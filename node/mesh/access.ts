// Who may ask what (SECURITY-DESIGN 11), as one table. Every handler asks it with the proven key of the
// other side before it reads a byte of the request's content. Nothing else exists: there is no delete and
// no remote command.

import { BASE_SCOPE, fromHex, toHex, type Scope } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'
import { mayRead, mayWrite, type Roster } from '../../store/roster.ts'

/** What can be asked of an endpoint: its heads and blocks, to keep a head of it, to prove its blocks. */
export type Request = 'heads' | 'blocks' | 'offer' | 'audit'

export interface Asking {
  roster: Roster
  peer: PeerKey
  /** Milliseconds since 1970: read claims end. */
  now: number
}

/** May this member ask for plain blocks? Every member may. */
export function mayAskBase({ roster, peer }: Asking): boolean {
  return roster.members.has(toHex(peer))
}

/** May this peer ask this of the endpoint? */
export function mayAsk(request: Request, endpoint: Uint8Array, asking: Asking): boolean {
  const { roster, peer, now } = asking
  const member = roster.members.get(toHex(peer))
  if (member === undefined || !roster.endpoints.has(toHex(endpoint))) return false
  const isWriter = mayWrite(roster, endpoint, peer)
  const isStorage = member.roles.has('storage')
  if (isWriter || isStorage) return true
  return (request === 'heads' || request === 'blocks') && mayRead(roster, endpoint, { peer, now })
}

/** The same for a scope of blocks. */
export function mayAskScope(request: Request, scope: Scope, asking: Asking): boolean {
  if (scope === BASE_SCOPE) return mayAskBase(asking)
  return mayAsk(request, fromHex(scope, 16), asking)
}
