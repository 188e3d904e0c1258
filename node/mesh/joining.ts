// Joining, the stranger's side: with invite words, or on a blank machine with the recovery words. It proves
// to itself that the mesh is the right one before it says more than its knock, keeps its key across
// interrupted attempts, and completes its home only when the mesh counts it as a member.

import { toHex } from '../../store/block.ts'
import { endpointKeys, meshKeys, signingKey, type SigningKey } from '../../store/key.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import type { MemberRole } from '../../store/roster-bodies.ts'
import { admit } from '../../store/roster-admit.ts'
import type { Endpoint } from '../../store/roster-endpoints.ts'
import { issue } from '../../store/roster-issue.ts'
import { fold, type Roster } from '../../store/roster.ts'
import { decodeRecord, encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { inviteKeys, inviteMac, wordsToInvite, wordsToPhrase } from '../../store/words.ts'
import { NotSigned } from '../../store/errors.ts'
import { Refused } from '../../protocol/errors.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { JOIN_PROTOCOL, askToJoin, knockMessage } from '../../protocol/join.ts'
import { CONTROL_FRAME_BYTES_MAX } from '../../protocol/limits.ts'
import type { Address, Network } from '../../protocol/network.ts'
import { EndpointUnknown, NotAdmitted } from '../errors.ts'
import { Home } from '../home.ts'
import { callingOut, type Ports } from '../ports.ts'
import { claimKeyOf, makeEndpoint } from './founding.ts'
import { meetMember, type Candidate } from './meeting.ts'
import { openRosterFolder } from './members.ts'

/** How long to go on trying addresses that were given. */
const BUSY_MS = 4_000

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
  const byInvite: WayIn = {
    id: invite.id,
    key: invite.key,
    check: (roster) => {
      const mac = roster.invites.get(toHex(invite.id))?.mac
      if (mac === undefined || toHex(mac) !== toHex(inviteMac(invite.mac, roster.mesh))) {
        throw new NotSigned('this mesh did not make the invite')
      }
    },
    facts: [
      (roster) => {
        const replaces = roster.invites.get(toHex(invite.id))?.replaces
        // Of an endpoint that is there already the claim key stays: it comes of keys that are not here yet.
        const own = replaces === undefined ? endpoint : { endpoint: replaces }
        const name = freeName(roster, input.name, peer)
        const sign = { key: invite.key, roster, time: ports.clock.now() }
        return issue('join', { invite: invite.id, peer, name, ...own }, sign)
      }
    ]
  }
  return enter(ports, { seed, input }, [byInvite])
}

export interface RecoveryInput extends EntryInput {
  /** The 24 words of the mesh, or of an endpoint whose owner keeps its recovery. */
  words: string
  roles: readonly MemberRole[]
  site: string
  /** The endpoint, by name or hex id, whose history goes on here. */
  replaces?: string | undefined
}

/**
 * Signs this peer in by the recovery words; no invite and nobody of rank is needed. The mesh's words do it
 * by its authority; an endpoint's own words by its claim key, for that endpoint alone.
 */
export async function enterByWords(ports: Ports, input: RecoveryInput): Promise<Entered> {
  const phrase = wordsToPhrase(input.words)
  const home = new Home(ports.disk)
  const seed = await home.prepare(ports.random)
  const peer = signingKey(seed).public
  const byAuthority = await wayOfAuthority(ports, { home, peer, phrase }, input)
  const byClaim = wayOfClaim(ports, { peer, phrase }, input)
  return enter(ports, { seed, input }, [byAuthority, byClaim])
}

interface Recovering {
  peer: PeerKey
  phrase: Uint8Array
}

async function wayOfAuthority(
  ports: Ports,
  { home, peer, phrase }: Recovering & { home: Home },
  { root, replaces, name, roles, site }: RecoveryInput
): Promise<WayIn> {
  const { authority } = meshKeys(phrase)
  const sign = { key: authority, time: ports.clock.now() }
  const isNew = replaces === undefined && root !== undefined
  const secret = isNew ? await makeEndpoint(home, ports) : undefined
  const endpoint = secret && { endpoint: secret.endpoint, claimKey: claimKeyOf(secret) }
  const member = (roster: Roster): SignedRecord => {
    const own = freeName(roster, name, peer)
    const fields = { peer, name: own, roles: [...roles].sort(), site, ...endpoint }
    return issue('member', fields, { ...sign, roster })
  }
  const claim = (roster: Roster): SignedRecord => {
    const target = endpointNamed(roster, replaces ?? '').id
    return issue('claim', { endpoint: target, peer, can: 'write' }, { ...sign, roster })
  }
  return {
    id: authority.public,
    key: authority,
    check: (roster) => {
      if (toHex(roster.authority) !== toHex(authority.public)) {
        throw new NotSigned('these words are of another mesh')
      }
      if (replaces !== undefined) endpointNamed(roster, replaces)
    },
    facts: replaces === undefined ? [member] : [member, claim]
  }
}

function wayOfClaim(
  ports: Ports,
  { peer, phrase }: Recovering,
  { replaces }: RecoveryInput
): WayIn {
  const { claim } = endpointKeys(phrase)
  const ownIn = (roster: Roster): Endpoint => {
    const endpoints = [...roster.endpoints.values()]
    const own = endpoints.find(
      ({ claimKey }) => claimKey && toHex(claimKey) === toHex(claim.public)
    )
    const isAsked = replaces === undefined || own === endpointNamed(roster, replaces)
    if (own === undefined || !isAsked) throw new NotSigned('these words are of another endpoint')
    return own
  }
  return {
    id: claim.public,
    key: claim,
    check: (roster) => void ownIn(roster),
    facts: [
      (roster) => {
        const fields = { endpoint: ownIn(roster).id, peer, can: 'write' as const }
        return issue('claim', fields, { key: claim, roster, time: ports.clock.now() })
      }
    ]
  }
}

async function enter(
  ports: Ports,
  { seed, input }: { seed: Uint8Array; input: EntryInput },
  ways: readonly WayIn[]
): Promise<Entered> {
  const { clock } = ports
  const gate = { isMember: () => false }
  const network = ports.openNetwork({ seed, gate }, callingOut(input))
  await network.start()
  try {
    const { addresses, mdns } = input
    // Without mDNS nobody else will turn up; but who is given may be busy for a moment.
    const lookMs = mdns === false ? BUSY_MS : input.lookMs
    return await meetMember({ network, clock, addresses, lookMs }, (candidate, { signal }) =>
      knockInTurn(ports, { network, ...candidate, signal }, { ways, input })
    )
  } finally {
    await network.stop()
  }
}

/** Tries each way in with one candidate; the failure of the first tells most. */
async function knockInTurn(
  ports: Ports,
  knocking: Knocking,
  { ways, input }: { ways: readonly WayIn[]; input: EntryInput }
): Promise<Entered> {
  let failure: unknown
  for (const way of ways) {
    try {
      return await knock(ports, knocking, { way, input })
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof NotSigned)) throw error
      failure ??= error
    }
  }
  throw failure
}

interface Knocking extends Candidate {
  network: Network
  signal?: AbortSignal | undefined
}

async function knock(
  ports: Ports,
  { network, peer, address, signal }: Knocking,
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
  await complete(ports, { self, records, roster, input, via: { peer, address } })
  return { mesh: roster.mesh, peer: self, via: peer, endpoint: member.endpoint, roster }
}

interface Completing {
  self: PeerKey
  records: SignedRecord[]
  roster: Roster
  input: EntryInput
  via: Candidate
}

async function complete(
  { disk }: Ports,
  { self, records, roster, input, via }: Completing
): Promise<void> {
  await (await openRosterFolder({ disk }, roster.mesh)).put(records)
  const { root, listen, mdns, ownRecovery } = input
  const mesh = toHex(roster.mesh)
  const home = new Home(disk)
  // Where multicast does not pass, this is the only way back to the mesh.
  await home.saveAddresses({ [peerIdText(via.peer)]: [via.address] })
  const own = (await home.endpoint())?.endpoint
  const endpoint = roster.members.get(toHex(self))?.endpoint
  const isOther = endpoint !== undefined && (own === undefined || toHex(own) !== toHex(endpoint))
  const recovering = isOther ? toHex(endpoint) : undefined
  if (isOther) await home.forgetEndpoint()
  await home.saveSettings({ version: 1, mesh, root, listen, mdns, ownRecovery, recovering })
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

function endpointNamed(roster: Roster, name: string): Endpoint {
  const endpoints = [...roster.endpoints.values()]
  const found = endpoints.find((each) => each.name === name || toHex(each.id) === name)
  if (found !== undefined) return found
  throw new EndpointUnknown(
    name,
    endpoints.map((each) => each.name)
  )
}
