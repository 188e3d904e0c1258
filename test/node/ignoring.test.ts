// Lines that leave names out: as .gitignore has them, the deepest file first.

import test from 'ava'
import { Ignoring } from '../../node/ignoring.ts'
import { pathOf, ROOT } from '../../node/tree/path.ts'

const out = (ignoring: Ignoring, path: string): boolean =>
  ignoring.names(pathOf(path.replace(/\/$/, '')), path.endsWith('/') ? 'directory' : 'file')

test('without lines nothing is left out', (t) => {
  t.true(new Ignoring().isEmpty)
  t.false(out(new Ignoring(), 'anything'))
})

test('lines are those of .gitignore', (t) => {
  const lines = ['# a remark', '*.tmp', '!keep.tmp', '/only-here', 'folder/', 'a/**/z', '\\#name']
  const ignoring = new Ignoring().below(ROOT, lines.join('\n'))
  for (const path of ['x.tmp', 'deep/x.tmp', 'only-here', 'folder/', 'a/z', 'a/b/c/z', '#name']) {
    t.true(out(ignoring, path), path)
  }
  for (const path of ['keep.tmp', 'deep/only-here', 'folder', 'x.TMP', 'z', '# a remark']) {
    t.false(out(ignoring, path), path)
  }
})

test('a deeper file speaks of what is below it, and before those above', (t) => {
  const top = new Ignoring().below(ROOT, '*.log\n/sub/secret')
  const below = top.below(pathOf('sub'), '!*.log\n/secret2')
  t.true(out(top, 'sub/x.log'))
  t.false(out(below, 'sub/x.log'))
  t.true(out(below, 'sub/secret'))
  t.true(out(below, 'sub/secret2'))
  t.true(out(below, 'sub/deeper/../secret2'.replace('deeper/../', '')))
})

test('in a directory that was taken back, what left it out says nothing more', (t) => {
  const top = new Ignoring().below(ROOT, 'build/')
  const sub = top.below(pathOf('sub'), '!build/')
  t.false(out(sub, 'sub/build/'))
  const build = sub.below(pathOf('sub/build'))
  t.false(out(build, 'sub/build/file'))
  t.true(out(build.below(pathOf('sub/build'), '*.o'), 'sub/build/x.o'))
})

test('names that are no UTF-8, or look like paths, break nothing', (t) => {
  const ignoring = new Ignoring().below(ROOT, '*.tmp')
  t.true(ignoring.names(new Uint8Array([0xff, 0xfe, 0x2e, 0x74, 0x6d, 0x70]), 'file'))
  t.false(out(ignoring, '...'))
  t.false(out(ignoring, '..name/..other'))
  t.false(out(ignoring, 'C:\\x'))
})
