// What people do with their files: the same from the same seed, all of it possible, none of it in vain.

import test from 'ava'
import { SimClock, SkewedClock } from '../../../sim/clock.ts'
import { stateOf, type EntryState } from '../../../sim/model/tree-state.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { MemoryTree } from '../../../sim/tree/tree.ts'
import { MARKED_BYTES_MIN, markOf } from '../../../sim/workload/content.ts'
import { edit, EDITS } from '../../../sim/workload/edit.ts'
import { furnishBase } from '../../../sim/workload/furnish-base.ts'
import { furnish, PRIVATE } from '../../../sim/workload/furnish.ts'
import { Survey } from '../../../sim/workload/survey.ts'
import { hashOf, textsOf } from './_texts.ts'

const ACCESS = { owners: true, privileges: true }
const MIB = 1024 * 1024

interface Desk {
  clock: SimClock
  wall: SkewedClock
  tree: MemoryTree
  random: SeededRandom
}

function desk(seed: string, { base = false, files = 60, bytes = 5 * MIB } = {}): Desk {
  const clock = new SimClock()
  const wall = new SkewedClock(clock)
  const tree = new MemoryTree(wall, ACCESS)
  const random = new SeededRandom(seed)
  if (base) furnishBase(tree, { random: new SeededRandom('base'), files: 40, bytes: 3 * MIB })
  furnish(tree, { random: random.fork('files'), files, bytes })
  return { clock, wall, tree, random }
}

function wait({ clock }: Desk, ms: number): Promise<void> {
  return clock.run(clock.sleep(ms))
}

test('the same seed furnishes the same tree, and makes the same changes', async (t) => {
  const [one, other] = [desk('a', { base: true }), desk('a', { base: true })]
  for (const each of [one, other]) await wait(each, 1000)
  t.deepEqual(textsOf(stateOf(one.tree)), textsOf(stateOf(other.tree)))
  for (let n = 0; n < 150; n++) {
    t.is(edit(one.tree, one.random, one.wall), edit(other.tree, other.random, other.wall))
  }
  t.deepEqual(textsOf(stateOf(one.tree)), textsOf(stateOf(other.tree)))
  t.notDeepEqual(textsOf(stateOf(one.tree)), textsOf(stateOf(desk('b', { base: true }).tree)))
})

test('there is one of everything that a file system has room for', (t) => {
  const state = [...stateOf(desk('everything').tree)]
  const files = state.filter(([, { type }]) => type === 'file')
  const holds = (what: string, test: (path: string, entry: EntryState) => boolean): void => {
    t.true(
      state.some(([path, entry]) => test(path, entry)),
      what
    )
  }
  const nameOf = (path: string): Buffer => Buffer.from(path.split('/').at(-1) ?? '', 'latin1')
  const paths = new Set(state.map(([path]) => path))
  t.true(files.length >= 60)
  holds('an empty file', (_, { type, bytes }) => type === 'file' && bytes.length === 0)
  holds('a file of several chunks', (_, { bytes }) => bytes.length > 1.1 * MIB)
  for (const depth of [1, 2, 3, 4]) {
    holds(`depth ${depth}`, (path, { type }) => {
      return type === 'directory' && path.split('/').length === depth
    })
  }
  for (const type of ['symlink', 'fifo', 'character', 'block'] as const) {
    holds(type, (_, entry) => entry.type === type)
  }
  holds('a link to a directory above', (path, { linkGroup }) => {
    return path !== linkGroup && path.split('/').length !== linkGroup.split('/').length
  })
  holds('attributes', (_, { xattrs }) => xattrs.length > 0)
  holds('an odd mode', (_, { type, mode }) => type === 'file' && (mode & 0o7000) !== 0)
  holds('a foreign owner', (_, { uid }) => uid !== 1000)
  holds('before 1970', (_, { mtimeNs }) => mtimeNs < 0n)
  holds('far ahead', (_, { mtimeNs }) => mtimeNs > 2_500_000_000_000_000_000n)
  holds('a name that is no UTF-8', (path) => {
    return nameOf(path).toString('utf8').includes('\ufffd')
  })
  holds('a long name', (path) => nameOf(path).length === 255)
  holds('a line break', (path) => nameOf(path).includes('\n'))
  holds('decomposed', (path) => nameOf(path).toString('utf8').includes('u\u0308'))
  holds('composed', (path) => nameOf(path).toString('utf8').includes('\u00fc'))
  holds('an empty directory', (path, { type }) => {
    return type === 'directory' && !paths.values().some((each) => each.startsWith(`${path}/`))
  })
})

test('every private file carries a mark of its own, and nothing of the base does', (t) => {
  const { tree } = desk('marks', { base: true })
  const marks = new Map<string, string>()
  let copies = 0
  for (const [path, { type, bytes, linkGroup }] of stateOf(tree)) {
    if (type !== 'file' || linkGroup !== path) continue
    const mark = markOf(bytes)
    const isPrivate = path.startsWith(`${PRIVATE}/`)
    t.is(mark !== undefined, isPrivate && bytes.length >= MARKED_BYTES_MIN, path)
    if (mark === undefined) continue
    const key = Buffer.from(mark).toString('hex')
    const content = hashOf(bytes)
    if (marks.get(key) === content) copies++
    else t.is(marks.get(key), undefined, path)
    marks.set(key, content)
  }
  t.true(copies > 0 && marks.size > 40)
})

test('a base is the same on every computer, whatever private files lie beside it', (t) => {
  const baseOf = ({ tree }: Desk): Map<string, string> => {
    const texts = [...textsOf(stateOf(tree))]
    return new Map(texts.filter(([path]) => path !== '' && !path.startsWith(PRIVATE)))
  }
  const one = baseOf(desk('one', { base: true }))
  t.deepEqual(baseOf(desk('other', { base: true, files: 10 })), one)
  t.true(one.size > 50 && one.has('etc/hosts'))
})

test('each kind of change is possible, and changes something that a person could see', async (t) => {
  const at = desk('kinds', { base: true })
  const done = new Set<unknown>()
  for (let round = 0; round < 12; round++) {
    for (const [, change] of EDITS) {
      await wait(at, round % 2)
      const survey = new Survey(at.tree, at.random, at.wall.now())
      survey.room = 4 * MIB
      const before = textsOf(stateOf(at.tree))
      const what = change(survey)
      if (what === undefined) continue
      done.add(change)
      t.notDeepEqual(textsOf(stateOf(at.tree)), before, what)
    }
  }
  t.deepEqual(
    EDITS.filter(([, change]) => !done.has(change)).map(([, change]) => change.name),
    []
  )
})

test('a tree that is worked on for long neither grows without end nor is it emptied', (t) => {
  const { tree, random, wall } = desk('long', { files: 20, bytes: 2 * MIB })
  let [least, most] = [Infinity, 0]
  for (let n = 0; n < 1500; n++) {
    edit(tree, random, wall)
    const { files, bytes } = new Survey(tree, random, 0)
    least = Math.min(least, files.length)
    most = Math.max(most, bytes)
  }
  t.true(least > 4, `${least} files`)
  t.true(most < 8 * MIB, `${most} bytes`)
})

test('people whose disk is full say so', (t) => {
  const { clock, random } = desk('full')
  const tree = new MemoryTree(clock, { capacity: 2 * MIB })
  furnish(tree, { random, files: 20, bytes: MIB })
  const done = Array.from({ length: 400 }, () => edit(tree, random, clock))
  t.true(done.includes('finds the disk full'))
})
