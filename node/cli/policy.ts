// `policy show`, `policy set`: what the mesh asks of every computer. An admin makes it safer; making it less
// safe takes the recovery words.

import type { Command } from 'commander'
import { KEEP_RULES } from '../../store/retention.ts'
import { action, withCommonFlags } from './command.ts'
import { countOf, spanMs } from './flags.ts'
import { nameOfRule, ruleNamed, ruleOf, rulesText, type SaidRules } from './keep-rules.ts'
import type { Output } from './output.ts'
import { WrongUsage } from './session.ts'
import { wordsFrom } from './words.ts'

const DAY_MS = 86_400_000
const KEEP_KEYS = KEEP_RULES.map(nameOfRule).join(', ')
const KEYS = `copies, sites, undo, ${KEEP_KEYS}, keep=all`

interface SetFlags {
  endpoint?: string
  recoveryFile?: string
}

interface Shown {
  policy: {
    copies: number
    sites: number
    undoDays: number
    keep?: SaidRules | undefined
    endpoints: Record<string, SaidRules>
  }
}

export function define(command: Command): void {
  withCommonFlags(command.command('show').description('what is asked now')).action(
    action(async ({ output, session, signal }) => {
      const shown = await (await session()).call('policy', {}, { signal })
      print(output, shown)
      output.next('`drystone policy set keep-daily=7 keep-weekly=5` sets which points stay.')
      output.result(shown)
    })
  )
  withCommonFlags(command.command('set').description('ask for something else'))
    .argument('<key=value...>', `what: ${KEYS}`)
    .option('--endpoint <endpoint>', 'rules of one computer, in place of the mesh’s')
    .option('--recovery-file <file>', 'a file that holds the recovery words: to ask for less')
    .action(
      action<SetFlags>(async ({ output, session, signal }, { endpoint, recoveryFile }, ...said) => {
        const asked = askedFor(said, endpoint)
        const words = await wordsFrom(recoveryFile)
        const peer = await session()
        const shown = await peer.call('setPolicy', { ...asked, endpoint, words }, { signal })
        print(output, shown)
        output.next('`drystone retention plan` on a computer shows what it comes to there.')
        output.result(shown)
      })
    )
}

/** What `copies=2 keep-daily=7` asks for. @throws {WrongUsage} */
function askedFor(said: readonly string[], endpoint: string | undefined) {
  const fields: { copies?: number; sites?: number; undoDays?: number } = {}
  const keep: SaidRules = {}
  let keepAll = false
  for (const word of said) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.+)$/.exec(word) ?? []
    const rule = ruleNamed(key)
    if (rule !== undefined) keep[rule] = ruleOf(rule, value)
    else if (key === 'keep' && value === 'all') keepAll = true
    else if (key === 'copies' || key === 'sites')
      fields[key] = within(countOf(value, key), key, 1, 32)
    else if (key === 'undo') {
      const days = /^\d+$/.test(value) ? Number(value) : Math.ceil(spanMs(value) / DAY_MS)
      fields.undoDays = within(days, 'undo, in days,', 7, 3650)
    } else
      throw new WrongUsage(`${word} says nothing here`, { next: `Write KEY=VALUE with ${KEYS}.` })
  }
  if (endpoint !== undefined && Object.keys(fields).length > 0) {
    throw new WrongUsage('only keep rules are an endpoint’s own', {
      next: 'Leave --endpoint out: copies, sites and undo hold for the whole mesh.'
    })
  }
  return { fields, keepAll, ...(Object.keys(keep).length > 0 && { keep }) }
}

/** @throws {WrongUsage} */
function within(value: number, what: string, least: number, most: number): number {
  if (value >= least && value <= most) return value
  throw new WrongUsage(`${what} cannot be ${value}`, { next: `Write ${least} to ${most}.` })
}

function print(output: Output, { policy }: Shown): void {
  const { copies, sites, undoDays, keep, endpoints } = policy
  output.line(`copies  ${copies}, on ${sites} site(s)`)
  output.line(`undo    ${undoDays} days`)
  output.line(
    `keep    ${keep === undefined ? 'everything stays: there are no rules' : rulesText(keep)}`
  )
  for (const [name, rules] of Object.entries(endpoints)) {
    output.line(`keep    of ${name}: ${rulesText(rules)}`)
  }
}
