// Rot on a real disk: a keeper's segments are damaged behind its back, one of them is gone, and so is its
// index. The commands name what is hit, and bring it back from whoever has it; killed in the middle, nothing
// is worse.

import { appendFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const HEADER_BYTES = 53
test.after.always(() => office.close())

test.before(async () => {
  await office.found('nas')
  await office.enter('attic', 'storage')
  makeTree(office.path('desk-root'))
  await office.enter('desk', 'endpoint')
  await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  appendFileSync(office.path('desk-root', 'script.sh'), 'true\n')
  await office.ok('desk', ['backup', '--wait', 'protected=40s'])
})

/** Segments of an endpoint in a home. */
function segmentsOf(name: string): string[] {
  const blocks = office.home(name) + '/blocks'
  return readdirSync(blocks)
    .filter((scope) => /^[0-9a-f]{32}$/.test(scope))
    .flatMap((scope) => readdirSync(join(blocks, scope)).map((file) => join(blocks, scope, file)))
    .filter((path) => path.endsWith('.seg'))
    .sort()
}

/** Flips a bit in every n-th record; the blocks hit, as the commands name them. */
function rot(path: string, every: number): string[] {
  const bytes = readFileSync(path)
  const [scope = ''] = path.split('/').slice(-2)
  const hit: string[] = []
  for (let at = 0, n = 0; bytes.subarray(at, at + 4).toString() === 'DSR1'; n++) {
    const length = bytes.readUInt32BE(at + 37)
    if (n % every === 0) {
      const place = at + HEADER_BYTES + (length >> 1)
      bytes.writeUInt8(bytes.readUInt8(place) ^ 4, place)
      hit.push(`${scope}/${bytes.subarray(at + 5, at + 37).toString('hex')}`)
    }
    at += HEADER_BYTES + length
  }
  writeFileSync(path, bytes)
  return hit
}

let hit: string[] = []

test.serial(
  'check --deep names exactly what rotted, of a running peer and of one that is down',
  async (t) => {
    const sound = await office.ok('attic', ['check', '--deep'])
    t.deepEqual(missingOf(sound, 'blocks bytes damaged quarantined'), [])
    t.deepEqual([sound['damaged'], sound['quarantined']], [[], []])
    hit = segmentsOf('attic')
      .flatMap((path) => rot(path, 3))
      .sort()
    t.true(hit.length > 1)
    for (const isUp of [true, false]) {
      if (!isUp) {
        await office.peer('attic').stop()
        await office.peer('nas').stop()
        await office.peer('desk').stop()
        rmSync(join(office.home('attic'), 'index'), { recursive: true })
      }
      const { code, result } = await office.run('attic', ['check', '--deep', '--full-speed'])
      t.is(code, 14)
      t.deepEqual([...(result['damaged'] as string[])].sort(), hit, `up: ${isUp}`)
      t.deepEqual([...(result['quarantined'] as string[])].sort(), hit)
    }
  }
)

test.serial(
  'what nobody can give is named, who may have it is told, and status says so',
  async (t) => {
    const { code, result } = await office.run('attic', ['repair'])
    t.is(code, 14)
    t.deepEqual(missingOf(result, 'repaired unrepaired quarantined'), [])
    t.deepEqual([result['repaired'], result['unrepaired']], [[], hit])
    t.deepEqual(result['away'], ['desk', 'nas'])
    const status = await office.run('attic', ['status'])
    t.is(status.code, 14)
    t.true((status.result['problems'] as Fields[]).some(({ name }) => name === 'Damaged'))
  }
)

test.serial(
  'killed in the middle, a repair has done no harm, and the next one brings all back',
  async (t) => {
    await office.up('nas')
    const sizes = segmentsOf('attic').map((path) => statSync(path).size)
    const child = office.spawn('attic', ['repair', '--json'])
    const gone = new Promise((resolve) => child.once('close', resolve))
    setTimeout(() => child.kill('SIGKILL'), 1200)
    await gone
    segmentsOf('attic')
      .slice(0, sizes.length)
      .forEach((path, i) =>
        t.is(statSync(path).size, sizes[i] ?? 0, 'what is there stays as it is')
      )
    const done = await office.ok('attic', ['repair', '--full-speed'])
    t.deepEqual(done['unrepaired'], [])
    const after = await office.ok('attic', ['check', '--deep', '--full-speed'])
    t.deepEqual([after['damaged'], after['quarantined']], [[], []])
  }
)

test.serial(
  'a segment that is gone is found by the links, and attic alone restores everything',
  async (t) => {
    const [first = ''] = segmentsOf('attic')
    rmSync(first)
    rmSync(join(office.home('attic'), 'index'), { recursive: true })
    const found = await office.run('attic', ['check'])
    t.is(found.code, 14)
    t.true((found.result['missing'] as string[]).length > 0)
    t.deepEqual((await office.ok('attic', ['repair']))['unrepaired'], [])
    await office.up('attic')
    await office.destroy('nas')
    await office.up('desk')
    const to = office.path('restored')
    await office.ok('desk', ['restore', '--to', to])
    t.deepEqual(factsOf(to), factsOf(office.path('desk-root')))
    t.deepEqual((await office.ok('attic', ['check', '--deep']))['damaged'], [])
  }
)
