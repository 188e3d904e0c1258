import test from 'ava'
import { SimClock } from '../../../sim/clock.ts'
import { agreesWithAny, differencesOf } from '../../../sim/model/tree-differences.ts'
import { stateOf, type EntryState, type TreeState } from '../../../sim/model/tree-state.ts'
import { MemoryTree } from '../../../sim/tree/tree.ts'

function aTree(): MemoryTree {
  const tree = new MemoryTree(new SimClock(), { owners: true })
  tree.put('docs/letter', 'dear all')
  tree.put('docs/list', 'one two three')
  tree.symlink('latest', 'docs/letter')
  tree.special('tape', 'block', [9, 1])
  tree.link('same', 'docs/list')
  tree.change('docs/letter', { xattrs: [[Buffer.from('user.b'), Buffer.from('2')]] })
  return tree
}

/** What is there after a change, beside what was there. */
function changed(change: (tree: MemoryTree) => void): [TreeState, TreeState] {
  const tree = aTree()
  const before = stateOf(tree)
  change(tree)
  return [before, stateOf(tree)]
}

function withEntry(state: TreeState, path: string, change: Partial<EntryState>): TreeState {
  const entry = state.get(path)
  if (entry === undefined) throw new Error(`nothing at ${path}`)
  return new Map([...state, [path, { ...entry, ...change }]])
}

function without(state: TreeState, path: string): TreeState {
  return new Map([...state].filter(([each]) => each !== path))
}

test('a state does not change with its tree', (t) => {
  const [before, after] = changed((tree) => {
    tree.put('docs/letter', 'dear nobody')
    tree.remove('tape')
  })
  t.is(Buffer.from(before.get('docs/letter')?.bytes ?? []).toString(), 'dear all')
  t.true(before.has('tape'))
  t.false(after.has('tape'))
  t.deepEqual(differencesOf(before, stateOf(aTree())), [])
})

test('names of one file have the first of them in common', (t) => {
  const state = stateOf(aTree())
  t.is(state.get('same')?.linkGroup, 'docs/list')
  t.is(state.get('docs/list')?.linkGroup, 'docs/list')
  t.is(state.get('latest')?.linkGroup, 'latest')
})

test('each difference is told with its path', (t) => {
  const state = stateOf(aTree())
  const letter = (change: Partial<EntryState>): string[] =>
    differencesOf(state, withEntry(state, 'docs/letter', change))
  t.deepEqual(letter({ mode: 0o600 }), ['docs/letter: mode is 600, was 644'])
  t.deepEqual(letter({ uid: 7 }), ['docs/letter: owner is 7, was 1000'])
  t.deepEqual(letter({ gid: 7 }), ['docs/letter: group is 7, was 1000'])
  t.regex(letter({ mtimeNs: 1n })[0] ?? '', /^docs\/letter: time is 1, was \d+$/)
  t.deepEqual(letter({ bytes: Buffer.from('dear') }), ['docs/letter: content has 4 bytes, had 8'])
  t.deepEqual(letter({ bytes: Buffer.from('dear alL') }), [
    'docs/letter: content differs from byte 7 on'
  ])
  t.deepEqual(letter({ xattrs: [] }), ['docs/letter: attributes is [], was [["user.b","2"]]'])
  t.deepEqual(letter({ type: 'fifo' }), ['docs/letter: is a fifo, was a file'])
  t.deepEqual(differencesOf(state, withEntry(state, 'latest', { target: Buffer.from('x') })), [
    'latest: target is x, was docs/letter'
  ])
  t.deepEqual(differencesOf(state, withEntry(state, 'tape', { device: [9, 2] })), [
    'tape: device is 9:2, was 9:1'
  ])
  t.deepEqual(differencesOf(state, withEntry(state, 'same', { linkGroup: 'same' })), [
    'same: is the file of same, was of docs/list'
  ])
  t.deepEqual(differencesOf(state, without(state, 'latest')), ['latest: is missing'])
  t.deepEqual(differencesOf(without(state, 'latest'), state), [
    'latest: is there, a symlink that never was'
  ])
})

test('a socket is not expected back', (t) => {
  const [before, after] = changed((tree) => {
    const { mtimeNs } = stateOf(tree).get('') ?? t.fail()
    tree.special('run.sock', 'socket')
    tree.change('', { mtimeNs })
  })
  t.deepEqual(differencesOf(after, before), [])
})

test('twenty differences are enough', (t) => {
  const [before, after] = changed((tree) => {
    for (let i = 0; i < 30; i++) tree.put(`new-${i}`, '')
  })
  t.is(differencesOf(before, after).length, 20)
})

test('of a tree that changed, each path may be as it was at any of the moments', (t) => {
  const [before, after] = changed((tree) => {
    tree.put('docs/letter', 'dear nobody', { mtimeNs: 5n })
    tree.put('docs/new', 'new')
    tree.remove('latest')
    tree.change('docs', { mtimeNs: 10n ** 19n })
  })
  const states = [before, after]
  t.deepEqual(agreesWithAny(states, before, []), [])
  t.deepEqual(agreesWithAny(states, after, []), [])
  const mixed = new Map([...after, ['latest', before.get('latest') ?? t.fail()]])
  t.deepEqual(agreesWithAny(states, withEntry(mixed, 'docs', { mtimeNs: 10n ** 19n - 1n }), []), [])

  const torn = { bytes: Buffer.from('dear nobody') }
  t.is(agreesWithAny(states, withEntry(before, 'docs/letter', torn), []).length, 1)
  t.deepEqual(agreesWithAny(states, withEntry(after, 'docs', { mtimeNs: 10n ** 19n + 1n }), []), [
    `docs: time is ${10n ** 19n + 1n}, was ${10n ** 19n}`
  ])
  t.deepEqual(agreesWithAny(states, without(after, 'docs/list'), []), ['docs/list: is missing'])
  t.deepEqual(
    agreesWithAny(states, new Map([...after, ['ghost', before.get('tape') ?? t.fail()]]), []),
    ['ghost: is there, a block that never was']
  )
})

test('nothing is asked of what was skipped, nor below it', (t) => {
  const state = stateOf(aTree())
  const other = withEntry(without(state, 'docs/letter'), 'docs/list', { mode: 0 })
  t.deepEqual(agreesWithAny([state], other, ['docs']), [])
  t.deepEqual(agreesWithAny([state], other, ['docs/letter']), ['docs/list: mode is 0, was 644'])
})
