// Patterns for looking around, taken name by name.

import test from 'ava'
import fc from 'fast-check'
import { Glob } from '../../node/glob.ts'
import { pathOf } from '../../node/tree/path.ts'

function matches(pattern: string, path: string): boolean {
  const glob = new Glob(pathOf(pattern))
  let met = glob.start
  for (const name of path.split('/')) met = glob.after(met, pathOf(name))
  return glob.isWhole(met)
}

test('a name alone may stand anywhere', (t) => {
  for (const path of ['a.odt', 'docs/a.odt', 'x/y/z/a.odt', '.odt', 'docs/.a.odt']) {
    t.true(matches('*.odt', path), path)
  }
  for (const path of ['a.ods', 'a.odt/b', 'a.ODT']) t.false(matches('*.odt', path), path)
})

test('with a slash it is a path from the root, and ** any number of names', (t) => {
  t.true(matches('docs/*.odt', 'docs/a.odt'))
  t.false(matches('docs/*.odt', 'more/docs/a.odt'))
  t.false(matches('docs/*.odt', 'docs/deep/a.odt'))
  for (const path of ['docs/a', 'docs/x/a', 'docs/x/y/a']) t.true(matches('docs/**/a', path))
  for (const path of ['docs/a', 'docs/x/a']) t.true(matches('docs/**', path))
  t.true(matches('**/a/**/b', 'x/a/y/a/b'))
  t.false(matches('**/a/**/b', 'x/b'))
})

test('a part without magic leads to one name only', (t) => {
  const glob = new Glob(pathOf('docs/2026/*.odt'))
  t.deepEqual(glob.only(glob.start), pathOf('docs'))
  const inDocs = glob.after(glob.start, pathOf('docs'))
  t.deepEqual(glob.only(inDocs), pathOf('2026'))
  t.is(glob.only(glob.after(inDocs, pathOf('2026'))), undefined)
  t.deepEqual(glob.after(glob.start, pathOf('other')), [])
  const anywhere = new Glob(pathOf('a'))
  t.is(anywhere.only(anywhere.start), undefined)
})

test('every path is found by itself, and by ** before its last name', (t) => {
  const name = fc.stringMatching(/^[a-z.]{1,4}$/).filter((text) => text !== '.' && text !== '..')
  fc.assert(
    fc.property(fc.array(name, { minLength: 2, maxLength: 5 }), (names) => {
      const path = names.join('/')
      t.true(matches(path, path))
      t.true(matches(`**/${names.at(-1)}`, path))
      t.false(matches(path, `${path}/x`))
    })
  )
})
