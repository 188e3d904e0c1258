import test from 'ava'
import { Digests } from '../../../sim/checkers/digests.ts'
import { Restores } from '../../../sim/checkers/restores.ts'
import type { SavedClaim } from '../../../sim/checkers/checker.ts'
import type { TreeState } from '../../../sim/model/tree-state.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { aLook, copyOf, remove, seen, under, type Look } from './_scene.ts'

const look = await aLook()

/** Whoever is asked gives back what was saved, and is noted. */
function restoring(): { office: Look; asked: string[] } {
  const office = copyOf(look)
  const asked: string[] = []
  office.restoreFrom = async (holder, claim) => {
    asked.push(`${claim.computer} ${claim.point} from ${holder.name}`)
    return { state: stateOf(claim), digest: claim.digest }
  }
  return { office, asked }
}

function stateOf({ states }: SavedClaim): TreeState {
  const state = states.at(-1)
  if (state === undefined) throw new Error('a claim without a state')
  return state
}

function check(office: Look): Promise<string[]> {
  return new Restores(new SeededRandom('restores')).check(office)
}

test('in the end every holder is tried, with the latest point and one before', async (t) => {
  const { office, asked } = restoring()
  t.deepEqual(await check(office), [])
  t.is(asked.length, 6)
  for (const name of ['nas', 'attic']) {
    t.true(asked.includes(`desk 3 from ${name}`))
    t.true(asked.includes(`lap 1 from ${name}`))
    t.is(asked.filter((each) => /^desk [12] /.test(each) && each.endsWith(name)).length, 1)
  }
})

test('before, one holder is drawn for each endpoint', async (t) => {
  const { office, asked } = restoring()
  office.isHealed = false
  t.deepEqual(await check(office), [])
  t.is(new Set(asked.filter((each) => each.startsWith('desk')).map((e) => e.split(' ')[3])).size, 1)
  t.is(asked.length, 3)
})

test('nobody is tried who lies, was damaged or is gone', async (t) => {
  const { office, asked } = restoring()
  seen(office, 'nas').lies = true
  seen(office, 'attic').isDamaged = true
  t.deepEqual(await check(office), [])
  office.computers = office.computers.filter(({ name }) => name !== 'attic')
  t.deepEqual(await check(office), [])
  t.deepEqual(asked, [])
})

test('what comes back otherwise is told', async (t) => {
  const { office } = restoring()
  office.restoreFrom = async (_, claim) => {
    const state = new Map(stateOf(claim))
    state.delete('small')
    return { state, digest: claim.computer === 'lap' ? 'other' : claim.digest }
  }
  seen(office, 'attic').lies = true
  office.protected = office.protected.filter(({ saved }) => saved.point !== 2)
  t.deepEqual(
    new Set(await check(office)),
    new Set([
      'point 3 of desk, from nas alone, came back otherwise: small: is missing',
      'point 1 of desk, from nas alone, came back otherwise: small: is missing',
      'point 1 of lap, from nas alone, came back otherwise: it has the digest other'
    ])
  )
})

test('what does not come back is told with the reason', async (t) => {
  const found = await check(copyOf(look))
  t.is(found.length, 6)
  t.true(
    found.includes(
      'point 1 of lap, from nas alone, did not come back: nobody restores point 1 from nas here'
    )
  )
})

test('of a tree that changed any mixture may come back, and no more', async (t) => {
  const { office } = restoring()
  const [first, , second] = look.saved
  const states = [stateOf(first ?? t.fail()), stateOf(second ?? t.fail())] as const
  const claim = { ...(second ?? t.fail()), states, point: 9, at: 9e9 }
  const holders = [seen(look, 'nas').peer, seen(look, 'attic').peer]
  office.protected = [{ at: 9e9, saved: claim, holders }]
  office.restoreFrom = async () => ({ state: states[0], digest: claim.digest })
  t.deepEqual(await check(office), [])
  const mixed = new Map([...states[1], ['ghost', states[1].get('small') ?? t.fail()]])
  office.restoreFrom = async () => ({ state: mixed, digest: claim.digest })
  t.is((await check(office)).length, 2)
})

test('"protected" needs as many different keepers as policy asks, that signed', async (t) => {
  const first = look.protected[0] ?? t.fail()
  const nas = seen(look, 'nas').peer
  const judge = async (holders: string[], change?: (office: Look) => void): Promise<string[]> => {
    const { office } = restoring()
    office.protected = [{ ...first, holders }]
    change?.(office)
    return check(office)
  }
  const only = (names: string): string[] => [
    `point 1 of desk was said to be protected, but of 2 copies only ${names} signed`
  ]
  const attic = seen(look, 'attic').peer
  t.deepEqual(await judge([nas, attic]), [])
  t.deepEqual(await judge([nas, nas]), only('nas'))
  t.deepEqual(await judge([nas, seen(look, 'desk').peer]), only('nas'))
  t.deepEqual(await judge([nas, seen(look, 'lap').peer]), only('nas'))
  t.deepEqual(await judge([]), only('nobody'))
  const { office } = restoring()
  const { disk } = seen(office, 'attic')
  await remove(disk, under(disk, 'receipts/'))
  t.true((await check(office)).includes(only('nas')[0] ?? t.fail()))
  seen(office, 'attic').lies = true
  t.deepEqual(await check(office), [])
  t.deepEqual(await judge([nas, attic], (each) => (each.policy = { ...each.policy, sites: 2 })), [
    'point 1 of desk was said to be protected, but not on 2 sites: nas, attic are on 1'
  ])
})

test('digests are what the model says, and one for each tree', async (t) => {
  t.deepEqual(await new Digests().check(copyOf(look)), [])
  const [first, , second] = look.saved
  const broken = copyOf(look)
  broken.saved = [first ?? t.fail(), { ...(second ?? t.fail()), digest: first?.digest ?? '' }]
  const [wrong, same, ...others] = await new Digests().check(broken)
  t.regex(wrong ?? '', /^point 2 of desk has the digest .*, and should have /)
  t.regex(same ?? '', /^point 2 of desk has the digest of point 1 of desk, and differs: /)
  t.deepEqual(others, [])
  broken.saved = [first ?? t.fail(), { ...(first ?? t.fail()), point: 2, digest: 'other' }]
  const again = await new Digests().check(broken)
  t.is(again[1], 'point 2 of desk is equal to point 1 of desk, and has another digest')
})
