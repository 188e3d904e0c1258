import test from 'ava'
import { Closure } from '../../../sim/checkers/closure.ts'
import { Undo } from '../../../sim/checkers/undo.ts'
import { HomeReader } from '../../../sim/model/home.ts'
import { aLook, copyOf, DAY_MS, drop, moveFirst, remove, reorder, seen, split } from './_scene.ts'
import { under, type Look } from './_scene.ts'

const look = await aLook()

function check(broken: Look): Promise<string[]> {
  return new Closure().check(broken)
}

function endpointOf(name: string): string {
  return seen(look, name).endpoint ?? ''
}

/** A block of the scope that others refer to, and one that refers to others. */
function family(name: string, scope: string): { child: string; parent: string } {
  const blocks = new HomeReader().read(seen(look, name).disk).blocks.get(scope)
  for (const [parent, { links }] of blocks ?? []) {
    const child = links.hashes.find((hash) => blocks?.has(hash))
    if (child !== undefined) return { child, parent }
  }
  throw new Error(`nothing refers to anything in ${scope} of ${name}`)
}

test('where all is well nothing is said', async (t) => {
  t.deepEqual(await check(copyOf(look)), [])
  t.deepEqual(await new Undo().check(copyOf(look)), [])
})

test('a keeper that lost a block below another is told, and which', async (t) => {
  for (const scope of [endpointOf('desk'), 'base']) {
    const broken = copyOf(look)
    const { child, parent } = family('attic', scope)
    await drop(seen(broken, 'attic').disk, scope, (hash) => hash === child)
    const found = await check(broken)
    const expected = `attic has block ${parent.slice(0, 8)} without ${child.slice(0, 8)} below it`
    t.true(
      found.some((what) => what.includes(expected)),
      found.join('\n')
    )
    t.true(found.some((what) => what.startsWith('attic signed for')))
    t.true(found.every((what) => what.startsWith('attic')))
  }
})

test('a block that was written before one below it is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  await reorder(disk, endpointOf('desk'))
  const found = await check(broken)
  t.true(found.length > 0)
  for (const what of found.slice(0, -1)) t.regex(what, /^attic wrote block .* before .* below it/)
})

test('what was durable may be moved behind what refers to it', async (t) => {
  // Seed 501 of crash-storm: written and moved between two looks.
  for (const isTold of [true, false]) {
    const broken = copyOf(look)
    const attic = seen(broken, 'attic')
    const closure = new Closure()
    const early: string[] = []
    await split(attic.disk, endpointOf('desk'))
    if (isTold) attic.disk.onRemove = (path) => early.push(...closure.beforeRemoval(attic, path))
    await moveFirst(attic.disk, endpointOf('desk'))
    const found = await closure.check(broken)
    t.deepEqual(early, [])
    t.is(found.length > 0, !isTold, found.join('\n'))
  }
})

test('a block that was written too early is told before its segment goes', async (t) => {
  const broken = copyOf(look)
  const attic = seen(broken, 'attic')
  await reorder(attic.disk, endpointOf('desk'))
  const early: string[] = []
  attic.disk.onRemove = (path) => early.push(...new Closure().beforeRemoval(attic, path))
  await moveFirst(attic.disk, endpointOf('desk'))
  t.true(early.length > 0)
  for (const what of early.slice(0, -1)) t.regex(what, /^attic wrote block .* before .* below it/)
})

test('a block that rotted on the disk of a good keeper is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  const [path = ''] = under(disk, `blocks/${endpointOf('desk')}/`)
  disk.flip(path, 100)
  const found = await check(broken)
  t.true(found.some((what) => what.includes(`damaged in ${path}`)))
})

test('of who lies, or whose disk was damaged, nothing is asked', async (t) => {
  for (const excuse of ['lies', 'isDamaged'] as const) {
    const broken = copyOf(look)
    const attic = seen(broken, 'attic')
    await drop(attic.disk, endpointOf('desk'), () => true)
    t.not((await check(broken)).length, 0)
    attic[excuse] = true
    t.deepEqual(await check(broken), [])
  }
})

test('what was written and not synced counts for nothing', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  for (const path of under(disk, `blocks/${endpointOf('lap')}/`)) {
    const bytes = disk.read(path)
    await disk.remove(path)
    await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')))
    const file = await disk.open(path, 'create')
    await file.write(bytes, 0)
    await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')))
  }
  const found = await check(broken)
  t.true(
    found.some((what) => what.startsWith('attic signed for head')),
    found.join('\n')
  )
})

test('who signed for a head has it, or a later one', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  const line = under(disk, `heads/${endpointOf('desk')}/`)
  t.is(line.length, 3)
  await remove(disk, line.slice(0, 2))
  t.deepEqual(await check(broken), [])
  await remove(disk, line)
  const found = await check(broken)
  t.true(found.some((what) => /^attic signed for head .*, which it does not have$/.test(what)))
  t.true(found.some((what) => what.includes('is said to hold point 1 of desk')))
})

test('who saved a head has what it names, but for the base', async (t) => {
  const broken = copyOf(look)
  await drop(seen(broken, 'desk').disk, endpointOf('desk'), () => true)
  const found = await check(broken)
  t.is(found.length, 3)
  for (const what of found) t.regex(what, /^desk saved head \d of its own and has no block /)
})

test('who is said to hold a point has its head', async (t) => {
  const broken = copyOf(look)
  const lap = seen(broken, 'lap')
  const claim = look.protected[0] ?? t.fail()
  broken.protected = [{ ...claim, holders: [lap.peer] }]
  const found = await check(broken)
  t.deepEqual(found, [
    'lap is said to hold point 1 of desk (head 1 of desk), and has no head of it'
  ])
})

test('who signed for a base has its record and its blocks', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  await remove(disk, under(disk, 'bases/'))
  const found = await check(broken)
  t.true(found.some((what) => /^attic signed for base .*, whose record it does/.test(what)))
})

test('what was replaced is kept for the undo time, and no longer', async (t) => {
  const undo = new Undo()
  const first = copyOf(look)
  t.deepEqual(await undo.check(first), [])
  // A keeper that has let go of the line and of its blocks: first nothing names them any more.
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  await remove(disk, under(disk, `heads/${endpointOf('desk')}/`))
  await drop(disk, endpointOf('desk'), () => true)
  broken.now += 29 * DAY_MS
  const found = await undo.check(broken)
  t.regex(found[0] ?? '', /^attic lacks block .*, which was named 29 days ago and is kept for 30$/)
  broken.now += DAY_MS
  t.deepEqual(await undo.check(broken), [])
  t.deepEqual(await undo.check(broken), [])
})
