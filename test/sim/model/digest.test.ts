import test from 'ava'
import { digestOf } from '../../../sim/model/digest.ts'
import { stateOf, type EntryState, type TreeState } from '../../../sim/model/tree-state.ts'
import { SimClock } from '../../../sim/clock.ts'
import { MemoryTree } from '../../../sim/tree/tree.ts'

const NOTHING = { bytes: new Uint8Array(), target: new Uint8Array(), device: [0, 0] as const }
const PLAIN = { uid: 0, gid: 0, xattrs: [], ...NOTHING }

test('the state of the format has the digest of the format', (t) => {
  const root: EntryState = { ...PLAIN, type: 'directory', mode: 0o755, mtimeNs: 0n, linkGroup: '' }
  const a: EntryState = {
    ...PLAIN,
    type: 'file',
    mode: 0o644,
    mtimeNs: 1_500_000_000n,
    bytes: Buffer.from('hello\n'),
    linkGroup: 'a'
  }
  const state: TreeState = new Map([
    ['', root],
    ['a', a]
  ])
  t.is(digestOf(state), '68126985101ce0186f7f6712106dfa57f58ef81ad910e762105a268aaca63770')
})

function aTree(): MemoryTree {
  const tree = new MemoryTree(new SimClock(), { owners: true })
  tree.put('a/b', 'one')
  tree.put('a-b', 'two')
  tree.symlink('l', 'a/b')
  tree.special('d', 'character', [5, 1])
  tree.link('z', 'a/b')
  return tree
}

test('whatever a user could see changes the digest', (t) => {
  const changes: ((tree: MemoryTree) => void)[] = [
    (tree) => tree.change('a/b', { mode: 0o600 }),
    (tree) => tree.change('a/b', { uid: 7 }),
    (tree) => tree.change('a/b', { gid: 7 }),
    (tree) => tree.change('a', { mtimeNs: -1n }),
    (tree) => tree.change('a', { mtimeNs: 1n }),
    (tree) => tree.change('l', { xattrs: [[Buffer.from('user.a'), Buffer.from('1')]] }),
    (tree) => tree.put('a/b', 'One', { mtimeNs: 0n }),
    (tree) => tree.remove('z'),
    (tree) => tree.put('a/c', ''),
    (tree) => tree.rename('l', 'm')
  ]
  const digests = changes.map((change) => {
    const tree = aTree()
    change(tree)
    return digestOf(stateOf(tree))
  })
  t.is(new Set([digestOf(stateOf(aTree())), ...digests]).size, changes.length + 1)
})

test('how names share a file is part of the digest', (t) => {
  const shared = aTree()
  const apart = aTree()
  apart.remove('z')
  apart.put('z', 'one')
  const own = (tree: MemoryTree): string => {
    for (const path of ['', 'a', 'a/b', 'z']) tree.change(path, { mtimeNs: 0n })
    return digestOf(stateOf(tree))
  }
  t.not(own(shared), own(apart))
})

test('sockets are left out, and so are homes', (t) => {
  const tree = aTree()
  const before = digestOf(stateOf(tree))
  const { mtimeNs } = stateOf(tree).get('') ?? t.fail()
  tree.special('run.sock', 'socket')
  tree.put('home/.drystone-home', '')
  tree.put('home/endpoint.key', 'secret')
  tree.change('', { mtimeNs })
  t.is(digestOf(stateOf(tree)), before)
})
