// Whether the house rules find what they should. Each rule meets a small made-up house that breaks it,
// and one beside it that looks alike and keeps it.

import test, { type ExecutionContext } from 'ava'
import * as documented from './_tidy/documented.ts'
import * as effects from './_tidy/effects.ts'
import * as imports from './_tidy/imports.ts'
import * as names from './_tidy/names.ts'
import { parse, type Finding, type House } from './_tidy/source.ts'
import * as text from './_tidy/text.ts'

function houseOf(sources: Record<string, string>, rest: Partial<House> = {}): House {
  return {
    sources: Object.entries(sources).map(([path, body]) => parse(path, body)),
    documents: new Map(),
    topNames: [],
    packageJson: {
      dependencies: { level: '*', '@libp2p/tcp': '*' },
      devDependencies: { ava: '*' }
    },
    ...rest
  }
}

/** Checks which places a rule points at, as `file:line`. */
function finds(t: ExecutionContext, findings: readonly Finding[], expected: string[]): void {
  t.deepEqual(
    findings.map(({ file, line }) => `${file}:${line}`),
    expected
  )
}

test('an import against the direction of the house is found, whatever its form', (t) => {
  const house = houseOf({
    'store/a.ts': "import { b } from '../protocol/b.ts'",
    'store/b.ts': "import type { B } from '../protocol/b.ts'",
    'store/c.ts': "export { b } from '../protocol/b.ts'",
    'store/d.ts': "const b: import('../protocol/b.ts').B = 1",
    'protocol/a.ts': "\nconst n = await import('../node/n.ts')",
    'node/a.ts': "new URL('../sim/worker.ts', import.meta.url)",
    'sim/a.ts': "import t from '../test/t.ts'",
    'sim/b.ts': "import n from '../node/n.ts'",
    'test/a.ts': "import s from '../sim/s.ts'",
    'node/b.ts': "import a from './a.ts'\nimport s from '../store/a.ts'"
  })
  finds(t, imports.directions(house), [
    ...['store/a.ts:1', 'store/b.ts:1', 'store/c.ts:1', 'store/d.ts:1'],
    ...['protocol/a.ts:2', 'node/a.ts:1', 'sim/a.ts:1']
  ])
})

test('sim is loaded by one file only, and there only when it is called for', (t) => {
  finds(t, imports.directions(houseOf({ 'node/cli/sim.ts': "import('../../sim/sim.ts')" })), [])
  for (const [path, body] of [
    ['node/cli/sim.ts', "import s from '../../sim/sim.ts'"],
    ['node/cli/up.ts', "import('../../sim/sim.ts')"],
    ['node/cli/up.ts', 'import(name)']
  ] as const) {
    finds(t, imports.directions(houseOf({ [path]: body })), [`${path}:1`])
  }
})

test('a circle of imports is found once, and types alone make none', (t) => {
  const circle = houseOf({
    'store/a.ts': "import './b.ts'",
    'store/b.ts': "import './c.ts'",
    'store/c.ts': "\nimport('./a.ts')",
    'store/d.ts': "import './a.ts'\nimport './b.ts'"
  })
  finds(t, imports.cycles(circle), ['store/c.ts:2'])
  const types = houseOf({
    'store/a.ts': "import './b.ts'",
    'store/b.ts': "import type { A } from './a.ts'"
  })
  finds(t, imports.cycles(types), [])
})

test('libp2p, Level and the file system are found outside their rooms', (t) => {
  const body = "import '@libp2p/tcp'\nimport { Level } from 'level'\nimport 'node:fs/promises'"
  const house = houseOf({
    ...{ 'store/index.ts': body, 'node/net/tcp.ts': body, 'node/tree/real.ts': body },
    ...{ 'store/disk-real.ts': body, 'test/a.ts': body }
  })
  const except = (path: string, line: number): string[] =>
    ['store/index.ts', 'node/net/tcp.ts', 'node/tree/real.ts', 'store/disk-real.ts']
      .filter((each) => each !== path)
      .map((each) => `${each}:${line}`)
  finds(t, imports.network(house), except('node/net/tcp.ts', 1))
  finds(t, imports.index(house), except('store/index.ts', 2))
  finds(t, imports.fileSystem(house), ['store/index.ts:3', 'node/net/tcp.ts:3'])
})

test('a package that is not a dependency is found', (t) => {
  const body = "import 'ava'\nimport 'level'\nimport 'level/sub.js'\nimport 'fs'\nimport 'node:fs'"
  const house = houseOf({ 'node/a.ts': body, 'test/a.ts': body })
  finds(t, imports.declared(house), ['node/a.ts:1', 'node/a.ts:4', 'test/a.ts:4'])
})

test('time and chance are found outside their ports', (t) => {
  const uses = [
    ...['Date.now()', 'new Date()', 'performance.now()', 'setTimeout(f, 1)', 'setInterval(f, 1)'],
    ...['Math.random()', 'AbortSignal.timeout(1)', 'crypto.randomUUID()', 'const f = Date.now'],
    ...['crypto.getRandomValues(b)', "import { randomBytes } from 'node:crypto'"],
    ...["import { setTimeout as sleep } from 'node:timers/promises'", 'globalThis.setTimeout(f)']
  ]
  const house = houseOf({
    'node/a.ts': uses.join('\n'),
    'store/clock.ts': uses.join('\n'),
    'test/a.ts': uses.join('\n')
  })
  finds(
    t,
    effects.timeAndChance(house),
    uses.map((_, i) => `node/a.ts:${i + 1}`)
  )
  const alike = 'new Date(time)\nsocket.setTimeout(0)\nclock.timeout(1)\nclock.now()\n// Date.now()'
  finds(t, effects.timeAndChance(houseOf({ 'node/a.ts': alike })), [])
})

test('work without an order is found where a simulation may come', (t) => {
  const uses = [
    ...["import { gzip } from 'node:zlib'", "import { scrypt as s } from 'node:crypto'"],
    ...['new WeakRef(x)', 'crypto.subtle.digest(a, b)', 'setImmediate(f)', 'a.localeCompare(b)'],
    ...['globalThis.setImmediate(f)', 'new FinalizationRegistry(f)', 'new Intl.Collator()']
  ]
  const house = houseOf({
    'node/a.ts': uses.join('\n'),
    'node/net/a.ts': uses.join('\n'),
    'sim/clock.ts': uses.join('\n')
  })
  finds(
    t,
    effects.unordered(house),
    uses.map((_, i) => `node/a.ts:${i + 1}`)
  )
  const alike = [
    "import { constants, crc32, gzipSync, type Gzip } from 'node:zlib'",
    "import { scryptSync, hkdfSync, sign } from 'node:crypto'",
    'new WeakMap()\nqueueMicrotask(f)'
  ]
  finds(t, effects.unordered(houseOf({ 'node/a.ts': alike.join('\n') })), [])
})

test('the environment is found where nobody should read it', (t) => {
  const body = 'process.env.HOME'
  const house = houseOf({ 'node/home.ts': body, 'node/cli/up.ts': body, 'node/config.ts': body })
  finds(t, effects.environment(house), ['node/home.ts:1'])
})

test('a name that has no place at the top is found', (t) => {
  const topNames = ['.ci', '.git', 'node', 'README.md', 'lib', 'notes.txt', 'node_modules']
  finds(t, names.topNames(houseOf({}, { topNames })), ['lib:1', 'notes.txt:1'])
})

test('empty and odd names of files and folders are found', (t) => {
  const paths = ['store/utils.ts', 'node/common/a.ts', 'test/_helpers.ts', 'store/tree-utils.ts']
  const house = houseOf(Object.fromEntries([...paths, 'store/blockStore.ts'].map((p) => [p, ''])))
  finds(
    t,
    names.fileNames(house),
    [...paths, 'store/blockStore.ts'].map((path) => `${path}:1`)
  )
  const good = houseOf({
    'store/chunk-list.ts': '',
    'test/_tidy/source.ts': '',
    'test/a.test.ts': ''
  })
  finds(t, names.fileNames(good), [])
})

test('a file that only passes on what others export is found', (t) => {
  const house = houseOf({
    'store/a.ts': "export * from './b.ts'\nexport { c } from './c.ts'",
    'store/b.ts': "import { c } from './c.ts'\nexport { c }",
    'store/c.ts': "export { CID } from 'multiformats'\nexport const c = 1",
    'store/d.ts': "import './c.ts'"
  })
  finds(t, names.barrels(house), ['store/a.ts:1', 'store/b.ts:1'])
})

test('forbidden words are found in what we name, and not in what others named', (t) => {
  const house = houseOf({
    'node/a.ts': 'const httpServer = 1\nfunction f(vaultPath: string) {}\nclass SnapshotList {}',
    'node/b.ts': 'class A { private repository = 1 }\nconst { a: client } = b',
    'node/client-list.ts': '',
    'node/c.ts':
      "import { createServer, type Server } from 'node:net'\ncreateServer({ client: 1 })",
    'node/d.ts': 'const observer = preserve(serverless)'
  })
  finds(t, names.words(house), [
    ...['node/a.ts:1', 'node/a.ts:2', 'node/a.ts:3', 'node/b.ts:1', 'node/b.ts:2'],
    'node/client-list.ts:1'
  ])
})

test('names are split into words as people read them', (t) => {
  t.deepEqual(names.wordsOf('openHTTPServer2'), ['open', 'http', 'server'])
  t.deepEqual(names.wordsOf('SNAPSHOT_BYTES'), ['snapshot', 'bytes'])
})

test('a file without an opening paragraph is found', (t) => {
  const house = houseOf({
    'store/a.ts': '// one\n// two\n',
    'store/b.ts': '// one\n\n// two\n',
    'store/c.ts': "import './a.ts'",
    'node/cli.ts': '#!/usr/bin/env node\n// one\n// two',
    'test/a.test.ts': ''
  })
  finds(t, text.openings(house), ['store/b.ts:1', 'store/c.ts:1'])
})

test('long files and wide lines are found, up to their exceptions', (t) => {
  const lines = (count: number): string => '//\n'.repeat(count)
  const house = houseOf({
    'store/a.ts': lines(400),
    'store/b.ts': lines(401),
    'store/c.ts': lines(450),
    'test/a.test.ts': lines(600),
    'test/b.test.ts': lines(601)
  })
  const exceptions = { 'store/c.ts': { lines: 450, reason: 'one table' } }
  finds(t, text.lengths(house, exceptions), ['store/b.ts:401', 'test/b.test.ts:601'])
  finds(t, text.widths(houseOf({ 'store/a.ts': `//\n${'x'.repeat(111)}` })), ['store/a.ts:2'])
  finds(t, text.widths(houseOf({ 'store/a.ts': 'x'.repeat(110) })), [])
})

test('an exception that nobody needs is found', (t) => {
  const house = houseOf({ 'store/a.ts': '//\n', 'store/b.ts': '//\n'.repeat(401) })
  const exception = { lines: 500, reason: 'one table' }
  const exceptions = { 'store/a.ts': exception, 'store/b.ts': exception, 'store/c.ts': exception }
  finds(t, text.needlessExceptions(house, exceptions), ['store/a.ts:1', 'store/c.ts:1'])
})

test('what is left for later is found', (t) => {
  const house = houseOf({ 'store/a.ts': `//\n// ${'TO' + 'DO'}: more\ntest.todo('x')` })
  finds(t, text.leftForLater(house), ['store/a.ts:2'])
})

const FAILURES = [
  "class Broken extends DrystoneError { override readonly name = 'Broken' }",
  "class VeryBroken extends Broken { override readonly name = 'VeryBroken' }",
  'class Plain extends Error {}'
]

test('a failure that no document names is found, also one of a failure', (t) => {
  const sources = { 'store/errors.ts': FAILURES.join('\n') }
  finds(t, documented.undocumentedFailures(houseOf(sources)), [
    'store/errors.ts:1',
    'store/errors.ts:2'
  ])
  const documents = new Map([
    ['README.md', '`Broken` is broken. VeryBroken is a word like others.']
  ])
  finds(t, documented.undocumentedFailures(houseOf(sources, { documents })), ['store/errors.ts:2'])
})

test('a failure whose name is not that of its class, or not its own, is found', (t) => {
  const house = houseOf({
    'store/errors.ts': FAILURES.join('\n'),
    'node/errors.ts': "\nclass Broken extends DrystoneError { override readonly name = 'Broken' }",
    'protocol/errors.ts': "class Cut extends DrystoneError { override readonly name = 'Kut' }",
    'node/call.ts': 'class Carried extends DrystoneError { override readonly name: string }',
    'node/nameless.ts': 'class Nameless extends DrystoneError {}'
  })
  finds(t, documented.misnamedFailures(house), [
    ...['node/errors.ts:2', 'protocol/errors.ts:1', 'node/nameless.ts:1']
  ])
})

test('an exit code that no table explains is found', (t) => {
  const sources = { 'node/cli/exit.ts': 'const DONE = 0\nconst WORDS = 12\nconst AGAIN = 12' }
  const documents = new Map([['README.md', '| code | means |\n|---|---|\n| 0 | done |\n12 words']])
  finds(t, documented.undocumentedExitCodes(houseOf(sources, { documents })), [
    'node/cli/exit.ts:2'
  ])
  finds(t, documented.undocumentedExitCodes(houseOf({})), [])
})
