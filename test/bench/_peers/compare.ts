// The comparison: every contestant does every job in every round, one at a time, in an order that turns, so
// that a slow minute of the machine hits all alike. Ratios are taken within a round and their median is told;
// the bars are those of DESIGN's budgets.

import type { Contestant, Job, Outcome } from './contestant.ts'
import { differences } from './trees.ts'

export interface Row {
  job: Job
  who: string
  command: string
  /** Medians over the rounds. */
  wallMs: number
  cpuMs: number
  memoryBytes: number
  storedBytes: number | undefined
  /** How many times as long as ours it took, wall and processor time: medians of the rounds' ratios. */
  wallRatio: number | undefined
  cpuRatio: number | undefined
  facts: Record<string, unknown> | undefined
}

export interface Bar {
  /** Row of the table of budgets. */
  row: number
  what: string
  met: boolean
}

export interface CompareInit {
  tree: string
  rounds: number
  jobs: readonly Job[]
  /** Changes the tree before a round of the job that looks for changes. */
  change: (round: number) => void
  tell: (line: string) => void
}

const OURS = 'drystone'

export async function compare(
  contestants: readonly Contestant[],
  { tree, rounds, jobs, change, tell }: CompareInit
): Promise<Row[]> {
  const rows: Row[] = []
  for (const job of jobs) {
    const able = contestants.filter(({ jobs }) => jobs[job] !== undefined)
    const runs = new Map<string, Outcome[]>(able.map(({ name }) => [name, []]))
    for (const contestant of able) await contestant.prepare(job)
    for (let round = 0; round < rounds; round++) {
      if (job === 'tracked') change(round)
      const turned = able.map((_, i) => able[(i + round) % able.length] as Contestant)
      for (const contestant of turned) {
        const outcome = await contestant.run(job, round)
        runs.get(contestant.name)?.push(outcome)
        tell(`  ${job} ${round + 1}/${rounds} ${contestant.name}: ${seconds(outcome.wallMs)}`)
        if (round === 0 && outcome.root !== undefined) check(tree, contestant, outcome, tell)
      }
    }
    for (const contestant of able) rows.push(rowOf(job, contestant, runs))
  }
  return rows
}

/** Says how a restored tree differs, if it does. */
function check(
  tree: string,
  { name }: Contestant,
  { root = '' }: Outcome,
  tell: (line: string) => void
): void {
  const found = differences(tree, root)
  if (found.length === 0) return
  tell(`  ${name}: ${found.length} differences, such as ${found.slice(0, 3).join('  ')}`)
}

function rowOf(job: Job, contestant: Contestant, runs: Map<string, Outcome[]>): Row {
  const all = runs.get(contestant.name) ?? []
  const ours = runs.get(OURS) ?? []
  const ratio = (pick: (outcome: Outcome) => number): number | undefined =>
    ours.length === 0
      ? undefined
      : median(all.map((each, i) => pick(each) / pick(ours[i] as Outcome)))
  const stored = all.map(({ storedBytes }) => storedBytes).filter((each) => each !== undefined)
  return {
    job,
    who: contestant.name,
    command: contestant.jobs[job] ?? '',
    wallMs: median(all.map(({ wallMs }) => wallMs)),
    cpuMs: median(all.map(({ cpuMs }) => cpuMs)),
    memoryBytes: median(all.map(({ memoryBytes }) => memoryBytes)),
    storedBytes: stored.length === 0 ? undefined : median(stored),
    wallRatio: ratio(({ wallMs }) => wallMs),
    cpuRatio: ratio(({ cpuMs }) => cpuMs),
    facts: all.at(-1)?.facts
  }
}

/** What DESIGN's budgets ask of the rows that are there. */
export function barsOf(rows: readonly Row[], files: number): Bar[] {
  const find = (job: Job, who: string): Row | undefined =>
    rows.find((row) => row.job === job && row.who === who)
  const bars: Bar[] = []
  const atLeast = (row: number, found: Row | undefined, least: number): void => {
    if (found?.wallRatio === undefined) return
    const what = `${found.wallRatio.toFixed(2)}x as fast as ${found.command}, bar ${least}x`
    bars.push({ row, what, met: found.wallRatio >= least })
  }
  const [made, restic] = [find('create', OURS), find('create', 'restic')]
  atLeast(1, restic, 4)
  if (made?.storedBytes !== undefined && restic?.storedBytes !== undefined) {
    const share = made.storedBytes / restic.storedBytes
    bars.push({ row: 1, what: `${share.toFixed(3)}x restic's bytes, bar 1x`, met: share <= 1 })
  }
  atLeast(2, find('first', 'restic'), 10)
  const facts = find('first', OURS)?.facts
  if (facts !== undefined) {
    const names = ['baseHashedBytes', 'baseSentBytes', 'baseStoredBytes', 'hashedBytes']
    const what = names.map((name) => `${name} ${String(facts[name])}`).join(', ')
    bars.push({ row: 2, what, met: names.every((name) => facts[name] === 0) })
  }
  const faster = files >= 1_000_000 ? 50 : files >= 20_000 ? 8 : undefined
  if (faster !== undefined) atLeast(3, find('tracked', 'restic'), faster)
  atLeast(4, find('scan', 'find'), 0.4)
  atLeast(4, find('scan', 'restic'), 5)
  atLeast(5, find('restore', 'restic'), 1)
  const copy = find('restore', 'cp -a')?.wallRatio
  if (copy !== undefined) {
    bars.push({ row: 5, what: `${(1 / copy).toFixed(2)}x cp -a, bar 1.2x`, met: 1 / copy <= 1.2 })
  }
  return bars
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = NaN, high = NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (low + high) / 2
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
