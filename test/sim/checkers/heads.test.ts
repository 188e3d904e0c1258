import test from 'ava'
import { decode, encode } from '../../../store/codec.ts'
import { signingKey } from '../../../store/key.ts'
import { Heads } from '../../../sim/checkers/heads.ts'
import { Heals } from '../../../sim/checkers/heals.ts'
import { Records } from '../../../sim/checkers/records.ts'
import { signMark } from '../../../store/mark.ts'
import { encodeRecord } from '../../../store/signed.ts'
import { aLook, copyOf, remove, seen, under, write, type Look } from './_scene.ts'

const look = await aLook()

function lineOf(name: string): string {
  return `heads/${seen(look, name).endpoint}/${seen(look, name).peer}`
}

/** The first look is at a good office, the second at this one. */
async function twice(
  checker: { check: (office: Look) => Promise<string[]> },
  broken: Look
): Promise<string[]> {
  const first = await checker.check(copyOf(look))
  return [...first, ...(await checker.check(broken))]
}

test('where all is well nothing is said', async (t) => {
  for (const checker of [new Heads(), new Heals(), new Records()]) {
    t.deepEqual(await twice(checker, copyOf(look)), [], checker.name)
  }
})

test('a line of heads that goes back is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  await remove(disk, [`${lineOf('desk')}/3`])
  const found = await twice(new Heads(), broken)
  t.true(found.includes('attic had head of desk number 3, and now 2'), found.join('\n'))
  t.true(found.includes('attic signed for head 3 of desk, and has only 2'))
})

test('a line of marks that goes back is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'lap')
  await remove(disk, under(disk, 'marks/'))
  const found = await twice(new Heads(), broken)
  t.true(found.includes('lap had mark of desk number 3, and now none'), found.join('\n'))
})

test('what was said to be saved is there', async (t) => {
  const broken = copyOf(look)
  await remove(seen(broken, 'desk').disk, [`${lineOf('desk')}/3`])
  t.deepEqual(await new Heads().check(broken), [
    'desk said it saved point 3 of desk as head 3 of desk, and has only 2'
  ])
})

test('a head that is not whole is told', async (t) => {
  const broken = copyOf(look)
  const path = `${lineOf('desk')}/1`
  seen(broken, 'attic').disk.flip(path, 300)
  t.deepEqual(await new Heads().check(broken), [
    `attic has ${path}, which is not whole or not signed`
  ])
})

/** Another head of desk with the number of one that there is, as a copied home would write it. */
async function fork(broken: Look): Promise<void> {
  const desk = seen(broken, 'desk')
  const key = signingKey(desk.disk.read('peer.key'))
  const [, body] = decode(desk.disk.read(`${lineOf('desk')}/3`)) as [Uint8Array, Uint8Array]
  const other = encode({ ...(decode(body) as object), time: 7 })
  const mark = encodeRecord(signMark(other, key))
  await write(seen(broken, 'attic').disk, `${lineOf('desk')}/3`, encode([mark, other]))
}

test('two heads with one number are told, unless their writer lies', async (t) => {
  const broken = copyOf(look)
  await fork(broken)
  const found = await new Heads().check(broken)
  t.true(found.includes('desk wrote two heads with the number 3'), found.join('\n'))
  seen(broken, 'desk').lies = true
  t.deepEqual(await new Heads().check(broken), [])
})

test('a record that is forgotten is told, and a base that goes back', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  const [first = ''] = under(disk, 'roster/')
  await remove(disk, [first, ...under(disk, 'bases/')])
  broken.isHealed = false
  const found = await twice(new Records(), broken)
  t.is(found.filter((what) => what.endsWith('and has it no more')).length, 2)
  t.true(found.includes('attic knew base system number 1, and now none'), found.join('\n'))
})

test('in the end all know the same records and marks', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  const [first = ''] = under(disk, 'roster/')
  await remove(disk, [first, ...under(disk, 'marks/')])
  const found = await new Records().check(broken)
  t.is(found.filter((what) => /^attic never heard of a \w+ record that/.test(what)).length, 1)
  t.true(found.includes('attic never heard of head 3 of desk, only 0'), found.join('\n'))
  broken.isHealed = false
  t.deepEqual(await new Records().check(broken), [])
  broken.isHealed = true
  seen(broken, 'attic').state = 'down'
  t.deepEqual(await new Records().check(broken), [])
})

test('who has no keepers enough in the end is told, and who could help', async (t) => {
  const broken = copyOf(look)
  broken.computers = broken.computers.filter(({ name }) => name !== 'attic')
  t.deepEqual(await new Heals().check(broken), [], 'one keeper is all there is')
  const spare = { ...seen(broken, 'nas'), name: 'spare', peer: 'ab'.repeat(32) }
  broken.computers.push(spare)
  t.deepEqual(await new Heals().check(broken), [
    'head 3 of desk is with nas: policy asks for 2 copies; spare could hold it',
    'head 1 of lap is with nas: policy asks for 2 copies; spare could hold it'
  ])
  broken.isHealed = false
  t.deepEqual(await new Heals().check(broken), [])
})

test('copies have to be on as many sites as policy asks, where there are so many', async (t) => {
  const broken = copyOf(look)
  broken.policy = { ...broken.policy, sites: 2 }
  t.deepEqual(await new Heals().check(broken), [])
  const far = { ...seen(broken, 'nas'), name: 'far', peer: 'ab'.repeat(32), site: 'lyon' }
  broken.computers.push(far)
  const [found] = await new Heals().check(broken)
  t.is(found, 'head 3 of desk is with nas, attic: policy asks for 2 sites; far could hold it')
})

test('what was saved a moment ago may still be on its way', async (t) => {
  const broken = copyOf(look)
  const spare = { ...seen(broken, 'nas'), name: 'spare', peer: 'ab'.repeat(32) }
  broken.computers = broken.computers.filter(({ name }) => name !== 'attic').concat(spare)
  broken.saved = look.saved.map((claim) => ({ ...claim, at: broken.now - 60_000 }))
  t.deepEqual(await new Heals().check(broken), [])
})

test('a computer that never saved anything is told', async (t) => {
  const broken = copyOf(look)
  broken.saved = broken.saved.filter(({ computer }) => computer !== 'lap')
  t.deepEqual(await new Heals().check(broken), ['lap has no restore point at all'])
})
