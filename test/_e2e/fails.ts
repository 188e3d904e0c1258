// How a failure must look, whatever it is: for programs a name, a cause and what to do next under the right
// exit code; for people the same on stderr, and nothing on stdout.

import type { ExecutionContext } from 'ava'
import type { Office } from './office.ts'

export interface Wanted {
  code: number
  name: string
  /** In the message. */
  says: RegExp
  /** In what to do next. */
  next?: RegExp
}

/** Tells that a command of an office fails as it should. */
export type Fails = (
  t: ExecutionContext,
  words: [home: string, ...words: string[]],
  wanted: Wanted
) => Promise<void>

export function failsIn(office: Office): Fails {
  /** Names that were looked at as people see them: once is enough for each. */
  const seen = new Set<string>()
  return async (t, [home, ...words], { code, name, says, next = /./ }) => {
    const { code: exit, error } = await office.run(home, words)
    const what = `drystone ${words.join(' ')}: ${error.name}: ${error.message}`
    t.is(error.name, name, what)
    t.is(exit, code, what)
    t.regex(error.message, says, what)
    t.regex(error.next ?? '', next, `${what} says what to do next`)
    if (seen.has(name)) return
    seen.add(name)
    const people = await office.run(home, words, { plain: true })
    t.is(people.code, code, what)
    t.regex(people.stderr, says)
    t.is(people.stdout, '')
  }
}
