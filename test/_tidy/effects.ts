// The rule on effects: time, chance, order and the environment come in through ports. Whoever reads the
// clock, draws a number or hands work to another thread by himself cannot be replayed from a seed.

import ts from 'typescript'
import { at, isTest, walk, type Finding, type House, type Source } from './source.ts'

const PORTS = ['store/clock.ts', 'store/random.ts', 'sim/clock.ts', 'sim/random.ts']

/** `object.member` that reads the time, waits or draws. */
const MEMBERS = new Set([
  'AbortSignal.timeout',
  'Date.now',
  'Math.random',
  'performance.now',
  'process.hrtime'
])

/** Global functions that wait. As a method of something else, such as a socket, the name is harmless. */
const TIMERS = new Set(['setInterval', 'setTimeout'])

/** Draws of `node:crypto` and Web Crypto, under whatever they are called on. */
const DRAWS = new Set([
  'generateKeyPair',
  'generateKeyPairSync',
  'getRandomValues',
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID'
])

/** Time and chance outside the clock and random rooms. */
export function timeAndChance(house: House): Finding[] {
  return inProduct(house, (path) => PORTS.includes(path), drawn)
}

function drawn(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const member = node.name.text
    const text = `${node.expression.getText().replace(/^globalThis\./, '')}.${member}`
    if (MEMBERS.has(text) || DRAWS.has(member)) return text
    const isGlobal = node.expression.getText() === 'globalThis'
    return isGlobal && TIMERS.has(member) ? text : undefined
  }
  if (ts.isImportSpecifier(node)) {
    const name = (node.propertyName ?? node.name).text
    return DRAWS.has(name) || TIMERS.has(name) || name === 'performance' ? name : undefined
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date') {
    return (node.arguments?.length ?? 0) === 0 ? 'new Date()' : undefined
  }
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText()
    return called === 'Date' || TIMERS.has(called) ? `${called}()` : undefined
  }
  return undefined
}

/**
 * Rooms that no simulation enters, the clock that waits for the event loop on its behalf, and the file that
 * uses in step what others use as a stream.
 */
const REAL_ROOMS =
  /^(node\/(cli|control|net|threads|tree)\/|store\/(disk|index|zstd)\.ts$|sim\/clock\.ts$)/

/** What ends, or answers, as the machine, the collector or the place of the user has it. */
const UNORDERED = new Set([
  ...['setImmediate', 'WeakRef', 'FinalizationRegistry', 'Intl', 'subtle', 'webcrypto'],
  ...['CompressionStream', 'DecompressionStream', 'localeCompare', 'toLocaleString'],
  ...['toLocaleDateString', 'toLocaleTimeString', 'toLocaleLowerCase', 'toLocaleUpperCase']
])

/** What of these modules works in step. All else of node:zlib, and these of node:crypto, do not. */
const IN_STEP = /Sync$|^(constants|crc32)$/
const THREADED = new Set(['argon2', 'generateKey', 'hkdf', 'pbkdf2', 'scrypt'])

/** Work whose order no seed gives. */
export function unordered(house: House): Finding[] {
  return inProduct(house, (path) => REAL_ROOMS.test(path), astray)
}

function astray(node: ts.Node): string | undefined {
  if (ts.isImportSpecifier(node)) {
    const name = (node.propertyName ?? node.name).text
    const { moduleSpecifier } = node.parent.parent.parent
    const module = ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : ''
    if (module === 'node:worker_threads') return module
    const isThreaded = module === 'node:zlib' && !node.isTypeOnly && !IN_STEP.test(name)
    return isThreaded || (module === 'node:crypto' && THREADED.has(name)) ? name : undefined
  }
  return ts.isIdentifier(node) && UNORDERED.has(node.text) ? node.text : undefined
}

/** The environment is read where a person's wishes are read, and handed on from there. */
export function environment(house: House): Finding[] {
  const allowed = (path: string): boolean => /^node\/(cli\/|cli\.ts$|config)/.test(path)
  return inProduct(house, allowed, (node) =>
    ts.isPropertyAccessExpression(node) && node.getText() === 'process.env'
      ? 'process.env'
      : undefined
  )
}

function inProduct(
  house: House,
  allowed: (path: string) => boolean,
  name: (node: ts.Node) => string | undefined
): Finding[] {
  const findings: Finding[] = []
  const look = (source: Source): void =>
    walk(source.tree, (node) => {
      const what = name(node)
      if (what !== undefined) findings.push(at(source, node, `uses ${what}`))
    })
  house.sources.filter(({ path }) => !isTest(path) && !allowed(path)).forEach(look)
  return findings
}
