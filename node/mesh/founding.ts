// Founding a mesh: the authority key is made from 24 words, signs the genesis and the first peer's roles,
// and is forgotten. From then on nobody is in charge; the words are needed only to change who has a say,
// and to come back when everything else is lost.

import { recipientOf } from '../../store/age.ts'
import { toHex } from '../../store/block.ts'
import { endpointKeys, meshKeys, signingKey } from '../../store/key.ts'
import { DEFAULT_POLICY, type Role } from '../../store/roster-bodies.ts'
import { issueGenesis } from '../../store/roster-issue.ts'
import { sparePath } from '../../store/spare.ts'
import { secretToWords, splitSecret } from '../../store/words.ts'
import { Home, type EndpointSecret } from '../home.ts'
import type { Ports } from '../ports.ts'
import { Members, openRosterFolder } from './members.ts'

export interface FoundingInput {
  mesh: string
  name: string
  roles: ReadonlySet<Role>
  site: string
  root?: string | undefined
  listen?: string[] | undefined
  mdns?: boolean | undefined
  /** Make two phrases that only together are the recovery words. */
  isSplit?: boolean
}

export interface Founded {
  mesh: Uint8Array
  peer: Uint8Array
  endpoint: Uint8Array | undefined
  /** The recovery words, a phrase of 24, or the two halves of a split one: they exist nowhere but here. */
  phrases: string[]
  /** Completes the home. Call it once the words are safe: until then setup can simply be run again. */
  complete(): Promise<void>
}

/** Makes a mesh with this peer as its first member. @throws {AlreadyInMesh} */
export async function foundMesh(ports: Ports, input: FoundingInput): Promise<Founded> {
  const { disk, clock, random } = ports
  const home = new Home(disk)
  const seed = await home.prepare(random)
  await forgetRecords(ports)
  const phrase = random.bytes(32)
  const { authority, recoveryIdentity } = meshKeys(phrase)

  const genesis = issueGenesis(
    {
      name: input.mesh,
      recovery: recipientOf(recoveryIdentity),
      random: random.bytes(32),
      policy: DEFAULT_POLICY
    },
    { key: authority, time: clock.now() }
  )
  const key = signingKey(seed)
  await (await openRosterFolder({ disk }, genesis.id)).put([genesis])
  const members = await Members.open({ disk, key, clock }, genesis.id)
  const secret = input.root === undefined ? undefined : await makeEndpoint(home, ports)
  await signIn(members, { input, peer: key.public, secret }, authority)
  return {
    mesh: genesis.id,
    peer: key.public,
    endpoint: secret?.endpoint,
    phrases: input.isSplit ? splitSecret(phrase, random.bytes(32)) : [secretToWords(phrase)],
    complete: () =>
      home.saveSettings({
        version: 1,
        mesh: toHex(genesis.id),
        root: input.root,
        listen: input.listen,
        mdns: input.mdns
      })
  }
}

/** What the authority says of the first peer. */
async function signIn(
  members: Members,
  {
    input,
    peer,
    secret
  }: { input: FoundingInput; peer: Uint8Array; secret: EndpointSecret | undefined },
  authority: ReturnType<typeof signingKey>
): Promise<void> {
  const { roles, name, site } = input
  if (roles.has('admin')) await members.issue('admin', { peer }, authority)
  if (roles.has('publisher')) await members.issue('publisher', { peer, threshold: 1 }, authority)
  const memberRoles = (['endpoint', 'storage'] as const).filter((role) => roles.has(role))
  const endpoint = secret && {
    endpoint: secret.endpoint,
    claimKey: claimKeyOf(secret)
  }
  await members.issue('member', { peer, name, roles: memberRoles, site, ...endpoint }, authority)
}

/** A new endpoint with a random root key; one that an interrupted attempt made is used again. */
export async function makeEndpoint(home: Home, { random }: Ports): Promise<EndpointSecret> {
  const known = await home.endpoint()
  if (known !== undefined) return known
  const secret = { endpoint: random.bytes(16), epochs: [random.bytes(32)] }
  await home.saveEndpoint(secret)
  return secret
}

/** The public key that may claim an endpoint: of its newest epoch. */
export function claimKeyOf({ epochs }: EndpointSecret): Uint8Array {
  const root = epochs.at(-1)
  if (root === undefined) throw new TypeError('an endpoint without keys')
  return endpointKeys(root).claim.public
}

/** An interrupted setup leaves a genesis whose words nobody saw. */
async function forgetRecords({ disk }: Ports): Promise<void> {
  for (const directory of [sparePath('roster'), 'roster']) {
    for (const name of (await disk.list(directory)) ?? []) await disk.remove(`${directory}/${name}`)
  }
}
