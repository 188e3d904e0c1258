// A scenario file as text: YAML into plain values, and back from a place in the values to line and column.
// The text may be anything: how long, how deep and how often aliased it may be is settled before the
// parser, which recurses, sees it.

import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair } from 'yaml'

/** Something wrong at a place of the file, lines and columns from 1. */
export interface Problem {
  line: number
  column: number
  /** One line: what is wrong, and what would be right. */
  what: string
}

export type Path = readonly PropertyKey[]

const TEXT_LENGTH_MAX = 1 << 20
/** Scalars, brackets, commas, spaces: far more than a scenario of a thousand peers has. */
const TOKENS_MAX = 100_000
const BRACKETS_DEEP_MAX = 32
const INDENT_MAX = 100
const DASHES_IN_A_ROW_MAX = 8
const ALIASES_MAX = 1000
const WHAT_LENGTH_MAX = 300

export class ScenarioText {
  /** Plain values; undefined where the text is no YAML. */
  readonly value: unknown
  readonly #lines = new LineCounter()
  readonly #document: Document | undefined
  /** By place: what is wrong with one is told once. */
  readonly #problems = new Map<string, Problem>()

  constructor(text: string) {
    const bad = overLimit(text)
    if (bad !== undefined) {
      this.#report(0, bad)
      return
    }
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      logLevel: 'error',
      prettyErrors: false,
      // Its own search for keys that stand twice is quadratic.
      uniqueKeys: false
    })
    this.#document = document
    for (const each of [...document.errors, ...document.warnings]) {
      this.#report(each.pos[0], each.message)
    }
    if (this.#problems.size > 0) return
    this.#reportKeys(document)
    try {
      this.value = document.toJS({ maxAliasCount: ALIASES_MAX })
    } catch (error) {
      this.#report(0, error instanceof Error ? error.message : 'its aliases cannot be followed')
    }
  }

  /** All that was reported, in the order of the file. */
  get problems(): Problem[] {
    const inOrder = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column
    return [...this.#problems.values()].sort(inOrder)
  }

  /** Something is wrong with the value there; or with its name, where the value is of no account. */
  report(path: Path, what: string, { atKey = false } = {}): void {
    this.#report(this.#offset(path, atKey), what)
  }

  /** Where a value begins, from 1. */
  lineOf(path: Path): number {
    return this.#lines.linePos(this.#offset(path, false)).line
  }

  #report(offset: number, what: string): void {
    const at = this.#lines.linePos(offset)
    const line = Math.max(at.line, 1)
    const column = Math.max(at.col, 1)
    const place = `${line}:${column}`
    if (this.#problems.has(place)) return
    const oneLine = what.replace(/\s+/g, ' ').slice(0, WHAT_LENGTH_MAX)
    this.#problems.set(place, { line, column, what: oneLine })
  }

  #reportKeys(document: Document): void {
    visit(document, {
      Map: (_, { items }) => {
        const seen = new Set<string>()
        for (const { key } of items) {
          const name = nameOf(key)
          const offset = startOf(key)
          if (name === undefined || name === '__proto__') {
            this.#report(offset, 'this is no name for anything')
          } else if (seen.has(name)) this.#report(offset, `${name} stands here twice`)
          else seen.add(name)
        }
      }
    })
  }

  /** Of the deepest node of the path that there is. */
  #offset(path: Path, atKey: boolean): number {
    let node = this.#resolve(this.#document?.contents)
    let offset = startOf(node)
    for (const [i, step] of path.entries()) {
      let next: unknown
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find(({ key }) => nameOf(key) === String(step))
        if (pair === undefined) return offset
        if (atKey && i === path.length - 1) return startOf(pair.key)
        next = pair.value
        offset = startOf(pair.key)
      } else if (isSeq(node) && typeof step === 'number') next = node.items[step]
      const found = this.#resolve(next)
      if (found === undefined) return offset
      // Of an alias it is the place where it stands that was wrong.
      offset = startOf(next)
      node = found
    }
    return offset
  }

  #resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return this.#document && node.resolve(this.#document)
    return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined
  }
}

function nameOf(key: unknown): string | undefined {
  const value = isScalar(key) ? key.value : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function startOf(node: unknown): number {
  const isPlaced = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)
  return (isPlaced ? node.range?.[0] : undefined) ?? 0
}

function overLimit(text: string): string | undefined {
  if (text.length > TEXT_LENGTH_MAX) return 'the file is longer than 1 MiB'
  const isDeep =
    new RegExp(`^ {${INDENT_MAX}}`, 'm').test(text) ||
    new RegExp(`^[ \\t]*(?:[-?:][ \\t]+){${DASHES_IN_A_ROW_MAX}}`, 'm').test(text)
  if (isDeep) return 'it is nested too deeply'
  let tokens = 0
  let deep = 0
  for (const token of new Lexer().lex(text)) {
    if (++tokens > TOKENS_MAX) return `the file says more than ${TOKENS_MAX} things`
    if (token === '[' || token === '{') deep++
    if (token === ']' || token === '}') deep--
    if (deep > BRACKETS_DEEP_MAX) return 'it is nested too deeply'
  }
  return undefined
}
