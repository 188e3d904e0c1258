// Joining, the stranger's side: with invite words, or on a blank machine with the recovery words. It proves
// to itself that the mesh is the right one before it says more than its knock, keeps its key across
// interrupted attempts, and completes its home only when the mesh counts it as a member.

import { toHex } from '../../store/block.ts'
import { meshKeys, signingKey, type SigningKey } from '../../store/key.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import type { MemberRole } from '../../store/roster-bodies.ts'
import { admit } from '../../store/roster-admit.ts'
import { issue } from '../../store/roster-issue.ts'
import { fold, type Roster } from '../../store/roster.ts'
import { decodeRecord, encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { inviteKeys, inviteMac, wordsToInvite, wordsToSecret } from '../../store/words.ts'
import { NotSigned } from '../../store/errors.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { JOIN_PROTOCOL, askToJoin, knockMessage } from '../../protocol/join.ts'
import { CONTROL_FRAME_BYTES_MAX } from '../../protocol/limits.ts'
import type { Address, Network } from '../../protocol/network.ts'
import { EndpointUnknown, NotAdmitted } from '../errors.ts'
import { Home } from '../home.ts'
import { callingOut, type Ports } from '../ports.ts'
import { claimKeyOf, makeEndpoint } from './founding.ts'
import { meetMember } from './meeting.ts'
import { openRosterFolder } from './members.ts'

export interface EntryInput {
  name: string
  root?: string | undefined
  /** Where to try first. */
  addresses: readonly Address[]
  listen?: string[] | undefined
  mdns?: boolean | undefined
  lookMs?: number | undefined
  ownRecovery?: boolean | undefined
}

export interface Entered {
  mesh: Uint8Array
  peer: PeerKey
  /** Who let us in. */
  via: PeerKey
  endpoint: Uint8Array | undefined
  roster: Roster
}

/** What differs between the ways in. */
interface WayIn {
  /** The id of an invite, or a public key. */
  id: Uint8Array
  key: SigningKey
  /** Checks that the roster is of the right mesh. @throws {NotSigned} */
  check(roster: Roster): void
  /** The records that sign this peer in, each made from the roster with those before it. */
  facts: readonly ((roster: Roster) => SignedRecord)[]
}

/** Joins with the words of an invite. @throws {WrongWords} @throws {NoMemberFound} @throws {NotAdmitted} */
export async function joinMesh(ports: Ports, code: string, input: EntryInput): Promise<Entered> {
  const invite = inviteKeys(wordsToInvite(code))
  const home = new Home(ports.disk)
  const seed = await home.prepare(ports.random)
  const peer = signingKey(seed).public
  const secret = input.root === undefined ? undefined : await makeEndpoint(home, ports)
  const endpoint = secret && { endpoint: secret.endpoint, claimKey: claimKeyOf(secret) }
  return enter(
    ports,
    { seed, input },
    {
      id: invite.id,
      key: invite.key,
      check: (roster) => {
        const mac = roster.invites.get(toHex(invite.id))?.mac
        if (mac === undefined || toHex(mac) !== toHex(inviteMac(invite.mac, roster.mesh))) {
          throw new NotSigned('this mesh did not make the invite')
        }
      },
      facts: [
        (roster) =>
          issue(
            'join',
            { invite: invite.id, peer, name: freeName(roster, input.name, peer), ...endpoint },
            { key: invite.key, roster, time: ports.clock.now() }
          )
      ]
    }
  )
}

export interface RecoveryInput extends EntryInput {
  /** The 24 words of the mesh. */
  words: string
  roles: readonly MemberRole[]
  site: string
  /** The endpoint, by name or hex id, whose history goes on here. */
  replaces?: string | undefined
}

/** Signs this peer in by the authority of the recovery words; no invite and nobody of rank is needed. */
export async function enterByWords(ports: Ports, input: RecoveryInput): Promise<Entered> {
  const { authority } = meshKeys(wordsToSecret(input.words))
  const home = new Home(ports.disk)
  const seed = await home.prepare(ports.random)
  const peer = signingKey(seed).public
  const sign = { key: authority, time: ports.clock.now() }
  const { replaces } = input
  const secret =
    replaces === undefined && input.root !== undefined ? await makeEndpoint(home, ports) : undefined
  const endpoint = secret && { endpoint: secret.endpoint, claimKey: claimKeyOf(secret) }
  const facts: WayIn['facts'] = [
    (roster) => {
      const name = freeName(roster, input.name, peer)
      const fields = { peer, name, roles: [...input.roles].sort(), site: input.site, ...endpoint }
      return issue('member', fields, { ...sign, roster })
    }
  ]
  const claim = (roster: Roster): SignedRecord => {
    const target = endpointNamed(roster, replaces ?? '')
    return issue('claim', { endpoint: target, peer, can: 'write' }, { ...sign, roster })
  }
  return enter(
    ports,
    { seed, input },
    {
      id: authority.public,
      key: authority,
      check: (roster) => {
        if (toHex(roster.authority) !== toHex(authority.public)) {
          throw new NotSigned('these words are of another mesh')
        }
        if (replaces !== undefined) endpointNamed(roster, replaces)
      },
      facts: replaces === undefined ? facts : [...facts, claim]
    }
  )
}

async function enter(
  ports: Ports,
  { seed, input }: { seed: Uint8Array; input: EntryInput },
  way: WayIn
): Promise<Entered> {
  const { clock } = ports
  const gate = { isMember: () => false }
  const network = ports.openNetwork({ seed, gate }, callingOut(input))
  await network.start()
  try {
    const { addresses, lookMs } = input
    return await meetMember({ network, clock, addresses, lookMs }, (peer, { signal }) =>
      knock(ports, { network, peer, signal }, { way, input })
    )
  } finally {
    await network.stop()
  }
}

async function knock(
  ports: Ports,
  { network, peer, signal }: { network: Network; peer: PeerKey; signal?: AbortSignal | undefined },
  { way, input }: { way: WayIn; input: EntryInput }
): Promise<Entered> {
  const wire = await network.dial(peer, JOIN_PROTOCOL, { signal })
  const channel = new Channel(
    { wire, clock: ports.clock },
    { frameBytesMax: CONTROL_FRAME_BYTES_MAX }
  )
  const { self } = network
  const known: SignedRecord[] = []
  const signature = way.key.sign(knockMessage(self, peer))
  const enterMesh = async (encoded: Uint8Array[]): Promise<Uint8Array[]> => {
    known.push(...admitAll(encoded))
    let roster = fold(known)
    if (!roster.members.has(toHex(peer))) throw new NotSigned('the other side is no member')
    way.check(roster)
    const own: SignedRecord[] = []
    for (const fact of way.facts) {
      own.push(fact(roster))
      roster = fold([...known, ...own])
    }
    return own.map(encodeRecord)
  }
  const added = await converse(channel, () =>
    askToJoin(channel, { knock: { id: way.id, signature }, enter: enterMesh }, { signal })
  )
  const records = [...known, ...added.map(decodeRecord)]
  const roster = fold(records)
  const member = roster.members.get(toHex(self))
  if (member === undefined) throw new NotAdmitted()
  await complete(ports, { records, roster, input })
  return { mesh: roster.mesh, peer: self, via: peer, endpoint: member.endpoint, roster }
}

async function complete(
  { disk }: Ports,
  { records, roster, input }: { records: SignedRecord[]; roster: Roster; input: EntryInput }
): Promise<void> {
  await (await openRosterFolder(disk, roster.mesh)).put(records)
  const { root, listen, mdns, ownRecovery } = input
  const mesh = toHex(roster.mesh)
  await new Home(disk).saveSettings({ version: 1, mesh, root, listen, mdns, ownRecovery })
}

/** The records that hold, of the mesh that their genesis names. */
function admitAll(encoded: readonly Uint8Array[]): SignedRecord[] {
  const records = encoded.map(decodeRecord)
  const genesis = records.find(({ kind }) => kind === 'genesis')
  if (genesis === undefined) throw new NotSigned('a mesh without its genesis record')
  return admit([], records, genesis.id).accepted
}

/** The name itself, or with a number if another member has it. */
function freeName(roster: Roster, name: string, self: PeerKey): string {
  const taken = new Set(
    [...roster.members.values()]
      .filter(({ peer }) => peerIdText(peer) !== peerIdText(self))
      .map((member) => member.name)
  )
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name}-${n}`
    if (!taken.has(candidate)) return candidate
  }
}

function endpointNamed(roster: Roster, name: string): Uint8Array {
  const endpoints = [...roster.endpoints.values()]
  const found = endpoints.find((each) => each.name === name || toHex(each.id) === name)
  if (found !== undefined) return found.id
  throw new EndpointUnknown(
    name,
    endpoints.map((each) => each.name)
  )
}
