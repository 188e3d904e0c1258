// Inviting: an admin makes eight words that let a computer in. The mesh keeps what is needed to recognise
// them, never the words.

import { inviteKeys, inviteMac, inviteToWords, INVITE_BYTES } from '../../store/words.ts'
import type { MemberRole } from '../../store/roster-bodies.ts'
import { toHex } from '../../store/block.ts'
import { NotAdmin } from '../standing-errors.ts'
import type { Node } from '../node.ts'

export const DEFAULT_EXPIRES_MS = 7 * 24 * 60 * 60_000

export interface InviteInput {
  roles: readonly MemberRole[]
  site: string
  /** How many computers may come in by it. */
  uses: number
  expiresMs?: number | undefined
  /** The endpoint, by name or hex id, whose history goes on on the new computer. */
  replaces?: string | undefined
}

/** @throws {NotAdmin} @throws {EndpointUnknown} */
export async function inviteComputer(
  { members, network, ports }: Pick<Node, 'members' | 'network' | 'ports'>,
  { roles, site, uses, expiresMs = DEFAULT_EXPIRES_MS, replaces }: InviteInput
): Promise<{ code: string; expires: number }> {
  if (!members.roster.admins.has(toHex(network.self))) throw new NotAdmin()
  const endpoint = replaces === undefined ? undefined : members.endpoint(replaces).id
  const bits = ports.random.bytes(INVITE_BYTES)
  const { id, key, mac } = inviteKeys(bits)
  const expires = ports.clock.now() + expiresMs
  await members.issue('invite', {
    id,
    key: key.public,
    mac: inviteMac(mac, members.roster.mesh),
    roles: [...roles].sort(),
    site,
    uses,
    expires,
    replaces: endpoint
  })
  return { code: inviteToWords(bits), expires }
}
