// The rules on what a reader meets: how a file opens, how long it is and how wide, and that nothing is
// left for later in a comment.

import { isTest, type Finding, type House, type Source } from './source.ts'

const LINE_COLUMNS_MAX = 110
const FILE_LINES_MAX = 400
const TEST_LINES_MAX = 600

/** Files that may be longer than the rest, how long, and why. */
export type Exceptions = Readonly<Record<string, { lines: number; reason: string }>>

function limitOf(path: string): number {
  return isTest(path) ? TEST_LINES_MAX : FILE_LINES_MAX
}

export function lengths(house: House, exceptions: Exceptions): Finding[] {
  return house.sources.flatMap(({ path, lines }) => {
    const most = exceptions[path]?.lines ?? limitOf(path)
    if (lines.length <= most) return []
    return [{ file: path, line: most + 1, what: `has ${lines.length} lines, more than ${most}` }]
  })
}

/** Exceptions for files that are short enough, or gone. */
export function needlessExceptions(house: House, exceptions: Exceptions): Finding[] {
  return Object.entries(exceptions).flatMap(([path, { reason }]) => {
    const source = house.sources.find((each) => each.path === path)
    const finding = (what: string): Finding[] => [{ file: path, line: 1, what }]
    if (source === undefined) return finding('is an exception, but not there')
    if (source.lines.length <= limitOf(path)) return finding('no longer needs its exception')
    return reason === '' ? finding('is an exception without a reason') : []
  })
}

export function widths(house: House): Finding[] {
  return eachLine(house, (line) =>
    line.length > LINE_COLUMNS_MAX ? `is ${line.length} columns wide` : undefined
  )
}

/** A file opens with a paragraph: what it is, and which invariant it keeps. Tests speak by their titles. */
export function openings(house: House): Finding[] {
  return house.sources.flatMap(({ path, lines }) => {
    if (path.endsWith('.test.ts')) return []
    const start = lines[0]?.startsWith('#!') === true ? 1 : 0
    const isOpen = [start, start + 1].every((i) => /^\/\/ \S/.test(lines[i] ?? ''))
    return isOpen
      ? []
      : [{ file: path, line: start + 1, what: 'does not open with a paragraph of comment' }]
  })
}

const LEFT_FOR_LATER = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`)

export function leftForLater(house: House): Finding[] {
  return eachLine(house, (line) => LEFT_FOR_LATER.exec(line)?.[0])
}

function eachLine(house: House, judge: (line: string) => string | undefined): Finding[] {
  const judgeFile = ({ path, lines }: Source): Finding[] =>
    lines.flatMap((line, i) => {
      const what = judge(line)
      return what === undefined ? [] : [{ file: path, line: i + 1, what }]
    })
  return house.sources.flatMap(judgeFile)
}
