import test from 'ava'
import fc from 'fast-check'
import {
  comparePaths,
  isWithin,
  joinPath,
  nameOf,
  parentOf,
  pathOf,
  refuseName,
  ROOT,
  showPath,
  splitPath
} from '../../../node/tree/path.ts'

const names = fc.array(
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .filter((name) => refuseName(name, 'linux') === undefined),
  { maxLength: 4 }
)

const join = (parts: Uint8Array[]): Uint8Array => parts.reduce(joinPath, ROOT)

test('a path splits into the names it was joined from', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(names, (parts) => {
        const path = join(parts)
        t.deepEqual(
          splitPath(path).map((name) => Array.from(name)),
          parts.map((name) => Array.from(name))
        )
        if (parts.length === 0) return
        t.deepEqual(Array.from(joinPath(parentOf(path), nameOf(path))), Array.from(path))
        t.true(isWithin(path, parentOf(path)))
      })
    )
  )
})

test('tree order is the order of names, one by one', (t) => {
  const byNames = (a: Uint8Array[], b: Uint8Array[]): number => {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = Buffer.compare(a[i] ?? ROOT, b[i] ?? ROOT)
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  t.notThrows(() =>
    fc.assert(
      fc.property(names, names, (a, b) => {
        t.is(Math.sign(comparePaths(join(a), join(b))), Math.sign(byNames(a, b)))
      })
    )
  )
  const paths = ['a-b', 'a/b', 'a', 'a.b', 'ab', '', 'a/b/c', 'a/b-c'].map(pathOf)
  t.deepEqual(paths.sort(comparePaths).map(showPath), [
    '',
    'a',
    'a/b',
    'a/b/c',
    'a/b-c',
    'a-b',
    'a.b',
    'ab'
  ])
})

test('a path lies within a directory, not within a name that starts like it', (t) => {
  t.true(isWithin(pathOf('a/b'), pathOf('a')))
  t.true(isWithin(pathOf('a'), pathOf('a')))
  t.false(isWithin(pathOf('ab'), pathOf('a')))
  t.false(isWithin(pathOf('a'), pathOf('a/b')))
})

test('names that mean something else are refused', (t) => {
  for (const name of ['', '.', '..', 'a/b', 'a\0', 'x'.repeat(256)]) {
    t.truthy(refuseName(pathOf(name), 'linux'), name)
  }
  for (const name of ['...', ' ', 'con', 'a:b', 'x'.repeat(255), '\n', '-rf']) {
    t.is(refuseName(pathOf(name), 'linux'), undefined, name)
  }
})

test('on Windows streams, devices and trailing dots are refused as well', (t) => {
  for (const name of ['a:b', 'C:', 'con', 'NUL.txt', 'com1', 'a.', 'a ', 'a\\b', 'a?']) {
    t.truthy(refuseName(pathOf(name), 'win32'), name)
  }
  for (const name of ['console', 'a.txt', 'com', '.a']) {
    t.is(refuseName(pathOf(name), 'win32'), undefined, name)
  }
})

test('messages show any path on one line, and nothing a terminal would obey', (t) => {
  t.is(showPath(pathOf('été/日本')), 'été/日本')
  t.is(showPath(Uint8Array.from([0x61, 0xff, 0x2f, 0xc3, 0xa9])), 'a\\xff/é')
  t.is(showPath(pathOf('a\n\u001b[31m')), 'a\\x0a\\x1b[31m')
  t.is(showPath(pathOf('\u009b31m')), '\\x9b31m')
})
