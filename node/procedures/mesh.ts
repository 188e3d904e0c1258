// Procedures about the mesh: who is in it, how safe this computer is, letting others in, and stopping.
// None of them changes another computer: what it should do is written in the roster, and it converges.

import { z } from 'zod'
import { toHex } from '../../store/block.ts'
import { peerIdText } from '../../store/peer.ts'
import type { Endpoint as RosterEndpoint } from '../../store/roster-endpoints.ts'
import { Endpoint } from '../endpoint.ts'
import { saveInstalled } from '../installed.ts'
import { reportStatus } from '../reporter.ts'
import { inviteComputer } from '../mesh/invite.ts'
import { gatherHeads, recoverSecret } from '../recovery.ts'
import type { Node } from '../node.ts'
import { nameOfPeer, namesOf, procedure, timeText } from './procedure.ts'

const NOTHING = z.strictObject({})

function endpointRow(node: Node, endpoint: RosterEndpoint) {
  const { heads, replicator, ports } = node
  const last = heads.last(endpoint.id)
  const mark = heads.marksOf(endpoint.id).at(0)
  const copies = last === undefined ? [] : replicator.copiesOf(last)
  const isProtected = last !== undefined && replicator.isProtected(last)
  const lastPoint = mark && timeText(mark.mark.time)
  return {
    name: endpoint.name,
    id: toHex(endpoint.id),
    writer: nameOfPeer(node, endpoint.writer),
    lastPoint,
    lastProtected: isProtected ? timeText(last.head.time) : undefined,
    copies: namesOf(node, copies),
    overdue: mark === undefined || ports.clock.now() - mark.mark.time > OVERDUE_MS
  }
}

/** An endpoint without a restore point for two days is overdue. */
const OVERDUE_MS = 2 * 24 * 60 * 60_000

/** A history that goes on here goes on from the newest base that it stands on. */
async function standOnBase(
  { bases, baseStore, ports }: Node,
  ids: readonly Uint8Array[],
  signal: AbortSignal
): Promise<void> {
  const known = ids.map((id) => bases.get(id)).filter((base) => base !== undefined)
  const newest = known.sort((a, b) => b.time - a.time).at(0)
  if (newest === undefined) return
  await baseStore.bringPages(newest, { signal })
  await saveInstalled(ports.disk, newest)
}

export const meshProcedures = {
  status: procedure(NOTHING, (_, { node }) => reportStatus(node)),

  identity: procedure(NOTHING, async (_, { node }) => ({
    mesh: toHex(node.members.roster.mesh),
    peer: peerIdText(node.network.self)
  })),

  peers: procedure(NOTHING, async (_, { node }) => {
    const { members, network, gossip } = node
    const online = new Set(network.connected().map(toHex))
    const peers = [...members.roster.members.values()].map(({ peer, name, site, roles }) => {
      const isSelf = toHex(peer) === toHex(network.self)
      const seen = gossip.lastSeen(peer)
      return {
        name,
        peer: peerIdText(peer),
        site,
        roles: [...roles].sort(),
        online: isSelf || online.has(toHex(peer)),
        addrs: isSelf ? network.addresses() : gossip.addressesOf(peer),
        lastSeen: seen === undefined ? undefined : timeText(seen)
      }
    })
    return { peers }
  }),

  endpoints: procedure(NOTHING, async (_, { node }) => ({
    endpoints: [...node.members.roster.endpoints.values()].map((each) => endpointRow(node, each))
  })),

  invite: procedure(
    z.strictObject({
      roles: z.array(z.enum(['storage', 'endpoint'])),
      site: z.string(),
      uses: z.int().min(1).max(10_000),
      expiresMs: z.int().min(1000),
      replaces: z.string().optional()
    }),
    async (args, { node }) => {
      const { code, expires } = await inviteComputer(node, args)
      return { code, expires: timeText(expires) }
    }
  ),

  /** Brings the keys and heads of an endpoint here by the mesh's words; with `own`, as this peer's. */
  recoverEndpoint: procedure(
    z.strictObject({ endpoint: z.string(), words: z.string(), own: z.boolean() }),
    async ({ endpoint, words, own }, { node, signal }) => {
      const { network, members, heads, ports, home } = node
      const { id, name } = members.endpoint(endpoint)
      const parts = { network, members, heads, clock: ports.clock }
      await gatherHeads(parts, id, { signal })
      const secret = recoverSecret(parts, id, words)
      const last = heads.last(id)
      if (own) {
        await home.saveEndpoint(secret)
        await standOnBase(node, last?.head.bases ?? [], signal)
        node.settings.recovering = undefined
        await home.saveSettings(node.settings)
      }
      const points = last === undefined ? [] : new Endpoint(secret).points(last.head)
      return { endpoint: name, points: points.length }
    }
  ),

  down: procedure(NOTHING, async (_, { stop }) => {
    stop()
    return {}
  })
}
