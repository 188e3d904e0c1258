// The house rules, checked against the house as it stands. What each rule looks for is in test/_tidy/,
// and tidy-rules.test.ts shows that each of them finds what it should.

import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import * as documented from './_tidy/documented.ts'
import * as effects from './_tidy/effects.ts'
import * as imports from './_tidy/imports.ts'
import * as names from './_tidy/names.ts'
import { readHouse, type Finding } from './_tidy/source.ts'
import * as text from './_tidy/text.ts'

/** Files that may be longer than 400 lines (tests: 600). Each says how long, and why it is one file. */
const EXCEPTIONS: text.Exceptions = {}

const house = readHouse(fileURLToPath(new URL('..', import.meta.url)))

function none(t: ExecutionContext, findings: readonly Finding[]): void {
  const list = findings.map(({ file, line, what }) => `${file}:${line} ${what}`)
  if (list.length === 0) t.pass()
  else t.fail(`\n${list.join('\n')}`)
}

test('the house has files to look at', (t) => {
  t.true(house.sources.length > 20)
  t.true(documented.failures(house).length > 10)
})

test('imports go from sim to node to protocol to store, and never back', (t) => {
  none(t, imports.directions(house))
})

test('no files import each other in a circle', (t) => {
  none(t, imports.cycles(house))
})

test('only node/net/ speaks libp2p and multicast DNS', (t) => {
  none(t, imports.network(house))
})

test('only store/index.ts knows Level', (t) => {
  none(t, imports.index(house))
})

test('only the disk, the tree and the command line touch the file system', (t) => {
  none(t, imports.fileSystem(house))
})

test('every package that is imported is a dependency of ours', (t) => {
  none(t, imports.declared(house))
})

test('time, timers and chance come in through the clock and random ports', (t) => {
  none(t, effects.timeAndChance(house))
})

test('nothing that is simulated leaves its order to threads, the collector or the locale', (t) => {
  none(t, effects.unordered(house))
})

test('only the command line and the configuration read the environment', (t) => {
  none(t, effects.environment(house))
})

test('the top of the house holds what DESIGN fixed, and nothing else', (t) => {
  none(t, names.topNames(house))
})

test('files and folders are named in kebab-case for what is inside', (t) => {
  none(t, names.fileNames(house))
})

test('no file only re-exports', (t) => {
  none(t, names.barrels(house))
})

test('nothing is named with a word that means something else here', (t) => {
  none(t, names.words(house))
})

test('every file opens with a paragraph that says what it is', (t) => {
  none(t, text.openings(house))
})

test('files are short enough to be held in the head', (t) => {
  none(t, text.lengths(house, EXCEPTIONS))
})

test('every exception to the length of files is still needed', (t) => {
  none(t, text.needlessExceptions(house, EXCEPTIONS))
})

test('lines are at most 110 columns wide', (t) => {
  none(t, text.widths(house))
})

test('nothing is left for later in a comment', (t) => {
  none(t, text.leftForLater(house))
})

test('every failure is named after its class, and once', (t) => {
  none(t, documented.misnamedFailures(house))
})

test('every failure stands in a document by its name', (t) => {
  none(t, documented.undocumentedFailures(house))
})

test('every exit code stands in a table of a document', (t) => {
  none(t, documented.undocumentedExitCodes(house))
})
