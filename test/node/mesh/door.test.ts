// The door: who gets in, who does not, and what a hostile stranger can do there.

import test from 'ava'
import { sha256, toHex } from '../../../store/block.ts'
import { signingKey, type SigningKey } from '../../../store/key.ts'
import { issue } from '../../../store/roster-issue.ts'
import { fold, type Roster } from '../../../store/roster.ts'
import { decodeRecord, encodeRecord } from '../../../store/signed.ts'
import { inviteKeys, wordsToInvite } from '../../../store/words.ts'
import { Channel, converse } from '../../../protocol/framing.ts'
import { JOIN_PROTOCOL, askToJoin, knockMessage } from '../../../protocol/join.ts'
import type { Network } from '../../../protocol/network.ts'
import { inviteComputer } from '../../../node/mesh/invite.ts'
import { joinMesh } from '../../../node/mesh/joining.ts'
import { failureOf } from '../../protocol/_pair.ts'
import { join, office, type Office } from '../../sim/_office.ts'

const INVITE = { roles: ['endpoint'], site: '', uses: 1 } as const
const INPUT = { addresses: [], lookMs: 3_000 }

async function invited({ fleet, nas }: Office, expiresMs?: number): Promise<string> {
  return (await fleet.run(inviteComputer(nas.node, { ...INVITE, expiresMs }))).code
}

function tryToJoin(of: Office, name: string, code: string): Promise<Error> {
  const { ports } = of.fleet.computer(name)
  return of.fleet.run(failureOf(joinMesh(ports, code, { ...INPUT, name, root: '/home' })))
}

test('the right words let one computer in, with the role and name they give', async (t) => {
  const of = await office('door')
  const desk = await join(of, 'desk', '/home')
  const member = of.nas.node.members.member(desk.node.network.self)
  t.is(member?.name, 'desk')
  t.deepEqual([...(member?.roles ?? [])], ['endpoint'])
  await of.fleet.run(of.fleet.stop())
})

test('words that are expired, cancelled, used up or unknown let nobody in', async (t) => {
  const of = await office('closed')
  const { fleet, nas } = of
  const expired = await invited(of, 60_000)
  await fleet.run(fleet.clock.sleep(60_001))
  t.is((await tryToJoin(of, 'late', expired)).name, 'NoMemberFound')

  const cancelled = await invited(of)
  const { id } = inviteKeys(wordsToInvite(cancelled))
  await fleet.run(nas.node.members.issue('cancel', { id }))
  t.is((await tryToJoin(of, 'unwanted', cancelled)).name, 'NoMemberFound')

  const once = await invited(of)
  await fleet.run(joinMesh(fleet.computer('first').ports, once, { ...INPUT, name: 'first' }))
  t.is((await tryToJoin(of, 'second', once)).name, 'NoMemberFound')

  const elsewhere = await office('elsewhere')
  t.is((await tryToJoin(of, 'lost', await invited(elsewhere))).name, 'NoMemberFound')
  t.is(nas.node.members.roster.members.size, 2)
  await fleet.run(fleet.stop())
  await elsewhere.fleet.run(elsewhere.fleet.stop())
})

test('a mesh that has the invite but not its secret is not joined', async (t) => {
  const of = await office('false mac')
  const code = await invited(of)
  const { id, key } = inviteKeys(wordsToInvite(code))
  const other = await office('impostor')
  const mac = new Uint8Array(32)
  const expires = other.fleet.clock.now() + 1e9
  const fields = {
    id,
    key: key.public,
    mac,
    roles: ['endpoint' as const],
    site: '',
    uses: 1,
    expires
  }
  await other.fleet.run(other.nas.node.members.issue('invite', fields))
  t.is((await tryToJoin(other, 'desk', code)).name, 'NoMemberFound')
  t.is(other.nas.node.members.roster.members.size, 1)
  await other.fleet.run(other.fleet.stop())
  await of.fleet.run(of.fleet.stop())
})

interface Stranger {
  key: SigningKey
  network: Network
  channel: Channel
}

/** Somebody who speaks the protocol, and need not keep to it. */
async function stranger({ fleet, nas }: Office, name: string): Promise<Stranger> {
  const key = signingKey(sha256(Buffer.from(name)))
  const network = fleet.network.attach(key.public, { isMember: () => false })
  const open = async (): Promise<Channel> => {
    await network.start()
    await network.meet(nas.node.network.addresses()[0] ?? '')
    const wire = await network.dial(nas.node.network.self, JOIN_PROTOCOL)
    return new Channel({ wire, clock: fleet.clock })
  }
  return { key, network, channel: await fleet.run(open()) }
}

function knock(of: Office, { id, key }: { id: Uint8Array; key: SigningKey }, by: SigningKey) {
  const { self } = of.nas.node.network
  return { id, signature: key.sign(knockMessage(by.public, self)) }
}

test('a knock that was overheard is worth nothing to another', async (t) => {
  const of = await office('replay')
  const invite = inviteKeys(wordsToInvite(await invited(of)))
  const honest = signingKey(new Uint8Array(32).fill(99))
  const { channel } = await stranger(of, 'thief')
  const overheard = knock(of, invite, honest)
  const asking = askToJoin(channel, { knock: overheard, enter: async () => [] })
  t.is((await of.fleet.run(failureOf(asking))).name, 'Refused')
  await of.fleet.run(of.fleet.stop())
})

/** Knocks rightly, and hands in what `make` makes of the roster. */
async function handIn(
  of: Office,
  name: string,
  make: (context: {
    roster: Roster
    own: SigningKey
    invite: ReturnType<typeof inviteKeys>
  }) => Uint8Array[]
): Promise<Error> {
  const invite = inviteKeys(wordsToInvite(await invited(of)))
  const { key, network, channel } = await stranger(of, name)
  const enter = async (records: Uint8Array[]): Promise<Uint8Array[]> =>
    make({ roster: fold(records.map(decodeRecord)), own: key, invite })
  const stay = { knock: knock(of, invite, key), enter }
  const failure = await of.fleet.run(failureOf(converse(channel, () => askToJoin(channel, stay))))
  await network.stop()
  return failure
}

test('records that do not sign this very stranger in are refused, and leave no trace', async (t) => {
  const of = await office('records')
  const elsewhere = await office('another mesh')
  const { nas, fleet } = of
  const other = signingKey(new Uint8Array(32).fill(77)).public
  const joinOf = (
    { roster, invite }: { roster: Roster; invite: ReturnType<typeof inviteKeys> },
    peer: Uint8Array,
    key = invite.key
  ): Uint8Array => {
    const fields = { invite: invite.id, peer, name: 'x' }
    return encodeRecord(issue('join', fields, { key, roster, time: fleet.clock.now() }))
  }
  const foreign = elsewhere.nas.node.members.roster
  const attempts: Record<string, Parameters<typeof handIn>[2]> = {
    nothing: () => [],
    garbage: () => [Buffer.from('garbage')],
    'two records': (of) => [joinOf(of, of.own.public), joinOf(of, of.own.public)],
    'somebody else': (of) => [joinOf(of, other)],
    'a key of its own': (of) => [joinOf(of, of.own.public, of.own)],
    'another mesh': ({ invite, own }) => [joinOf({ roster: foreign, invite }, own.public)],
    'records that were there': () =>
      [...nas.node.members.records.records()].slice(0, 1).map(encodeRecord)
  }
  for (const [name, make] of Object.entries(attempts)) {
    const failure = await handIn(of, name, make)
    t.true(['Refused', 'WireCut'].includes(failure.name), `${name}: ${failure.message}`)
    const kinds = [...nas.node.members.records.records()].map(({ kind }) => kind)
    t.false(kinds.includes('sponsor'), name)
  }
  t.is(nas.node.members.roster.members.size, 1)
  for (const { fleet: each } of [of, elsewhere]) await each.run(each.stop())
})

test('a stranger that sends more than it may is cut off, whatever it says', async (t) => {
  const of = await office('flood')
  const { channel } = await stranger(of, 'flood')
  const flood = async (): Promise<void> => {
    for (;;) await channel.send(['knock', new Uint8Array(1000), new Uint8Array(64)])
  }
  t.is((await of.fleet.run(failureOf(flood()))).name, 'WireCut')
  await join(of, 'desk', '/home')
  await of.fleet.run(of.fleet.stop())
})

test('who comes again with the same words, after it was let in, needs no second place', async (t) => {
  const of = await office('again')
  const { fleet, nas } = of
  const code = await invited(of)
  const { ports } = fleet.computer('desk')
  const first = await fleet.run(joinMesh(ports, code, { ...INPUT, name: 'desk' }))
  // Its home was lost before it was complete, its key was not.
  await ports.disk.remove('settings.json')
  await ports.disk.remove('spare/settings.json')
  const again = await fleet.run(joinMesh(ports, code, { ...INPUT, name: 'desk' }))
  t.is(toHex(again.peer), toHex(first.peer))
  const sponsors = [...nas.node.members.records.records()].filter(({ kind }) => kind === 'sponsor')
  t.is(sponsors.length, 1)
  await fleet.run(fleet.stop())
})
