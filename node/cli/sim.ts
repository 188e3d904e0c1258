// `sim`: a whole office in one process, from a scenario file and a seed. The same seed runs the same office
// again, event by event; so whatever is found comes with the command that shows it again. The simulator is
// loaded only here, and only when it is asked for.

import type { Command } from 'commander'
import { systemRandom } from '../../store/random.ts'
import { writeFailure } from '../control/call.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { builtInScenarios, readScenarioFile, type ScenarioFile } from './scenario-file.ts'
import { WrongUsage } from './session.ts'
import { TraceFile } from './trace-file.ts'

const DEFAULT_SEED = 1
const RUNS_MAX = 1_000_000

interface Flags {
  seed?: string
  runs?: string
  trace?: string
  list?: boolean
  all?: boolean
  fresh?: boolean
  keepGoing?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('[scenario]', 'a scenario file, or the name of one that comes with Drystone')
    .option('--seed <number>', `of all randomness (${DEFAULT_SEED})`)
    .option('--runs <number>', 'run so many seeds, one after the other (1)')
    .option('--trace <file>', 'write each event to a file, as NDJSON')
    .option('--keep-going', 'do not stop at the first violation')
    .option('--fresh', 'draw the seeds at random')
    .option('--all', 'run all scenarios that come with Drystone')
    .option('--list', 'list them')
    .action(action<Flags>(sim))
}

async function loadSimulator() {
  const [{ simulate }, { readScenario }, report, errors] = await Promise.all([
    import('../../sim/sim.ts'),
    import('../../sim/scenario/scenario.ts'),
    import('../../sim/report.ts'),
    import('../../sim/errors.ts')
  ])
  return { simulate, readScenario, report, SimulationViolated: errors.SimulationViolated }
}

type Simulator = Awaited<ReturnType<typeof loadSimulator>>
type Scenario = ReturnType<Simulator['readScenario']>
type Simulation = Awaited<ReturnType<Simulator['simulate']>>

/** One scenario with one seed, before it is run. */
interface Planned {
  /** As it was named. */
  file: string
  scenario: Scenario
  seed: number
}

interface Ran extends Planned {
  simulation: Simulation
}

async function sim(context: Context, flags: Flags, name?: string): Promise<ExitCode> {
  const { output } = context
  const names = await builtInScenarios()
  if (flags.list === true) {
    const simulator = await loadSimulator()
    const listed = await Promise.all(names.map((each) => summaryOf(simulator, each)))
    for (const { scenario, about } of listed) output.line(`${scenario}: ${about}`)
    output.next(`run one: \`drystone sim ${names[0] ?? 'FILE'}\`.`)
    output.result({ scenarios: listed })
    return EXIT.done
  }
  const seeds = seedsOf(flags)
  if ((name === undefined) === (flags.all !== true)) {
    throw new WrongUsage(name === undefined ? 'no scenario is named' : 'name one, or give --all', {
      next: `Name a file, or one of ${names.join(', ')}.`
    })
  }
  const files = await Promise.all((name === undefined ? names : [name]).map(readScenarioFile))
  const isMany = files.length * seeds().length > 1
  if (isMany && flags.trace !== undefined) {
    throw new WrongUsage('a trace is of one run', { next: 'Give one scenario and one --seed.' })
  }
  const simulator = await loadSimulator()
  const plan = files.flatMap((file) => planOf(simulator, file, seeds()))
  const ran = await runAll(context, plan, { simulator, flags, isMany })
  return conclude(context, ran, { simulator, isMany })
}

async function summaryOf({ readScenario }: Simulator, scenario: string) {
  const { text } = await readScenarioFile(scenario)
  const { about } = readScenario(text, { file: scenario })
  return { scenario, about }
}

/** The seeds for one scenario; other ones each time if they are fresh. @throws {WrongUsage} */
function seedsOf({ seed, runs, fresh }: Flags): () => number[] {
  const count = runs === undefined ? 1 : numberOf(runs, '--runs', { least: 1, most: RUNS_MAX })
  if (fresh === true) {
    if (seed !== undefined) throw new WrongUsage('--seed and --fresh contradict each other')
    return () => Array.from({ length: count }, freshSeed)
  }
  const first = seed === undefined ? DEFAULT_SEED : numberOf(seed, '--seed', { least: 0 })
  return () => Array.from({ length: count }, (_, i) => first + i)
}

function numberOf(
  text: string,
  flag: string,
  { least, most = 2 ** 48 }: { least: number; most?: number }
): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new WrongUsage(`${flag} ${text} is no whole number from ${least} to ${most}`)
}

function freshSeed(): number {
  return new DataView(systemRandom.bytes(4).buffer).getUint32(0)
}

/** @throws {ScenarioInvalid} */
function planOf({ readScenario }: Simulator, { name, text }: ScenarioFile, seeds: number[]) {
  const scenario = readScenario(text, { file: name })
  return seeds.map((seed): Planned => ({ file: name, scenario, seed }))
}

interface RunOptions {
  simulator: Simulator
  flags: Flags
  isMany: boolean
}

async function runAll(
  context: Context,
  plan: readonly Planned[],
  { simulator, flags, isMany }: RunOptions
): Promise<Ran[]> {
  const { output } = context
  const { verdictText } = simulator.report
  const ran: Ran[] = []
  for (const planned of plan) {
    const simulation = await runOne(context, planned, { simulator, trace: flags.trace })
    ran.push({ ...planned, simulation })
    if (isMany) {
      output.line(verdictText(simulation))
      output.event('run', factsOf(planned.file, simulation))
    }
    if (simulation.violations.length > 0 && flags.keepGoing !== true) break
  }
  return ran
}

async function runOne(
  { output, signal }: Context,
  { file, scenario, seed }: Planned,
  { simulator, trace: path }: { simulator: Simulator; trace: string | undefined }
): Promise<Simulation> {
  const trace = path === undefined ? undefined : new TraceFile(path)
  try {
    return await simulator.simulate(scenario, {
      seed,
      signal,
      ...(trace && { onTrace: (line: string) => trace.add(line) }),
      onProgress: ({ simulatedSeconds, events }) => {
        const days = (simulatedSeconds / 86_400).toFixed(1)
        const facts = { scenario: scenario.name, seed, simulatedSeconds, events }
        output.progress(`${scenario.name}, seed ${seed}: day ${days}, ${events} events`, facts)
      }
    })
  } catch (error) {
    if (!signal.aborted) {
      output.line(`The run broke off. See it again: ${simulator.report.replayText(file, seed)}`)
    }
    throw error
  } finally {
    trace?.close()
  }
}

/** What programs are told of a run; its timeline has lines of its own. */
function factsOf(file: string, simulation: Simulation): object {
  const { events, wallSeconds } = simulation
  const eventsPerSecond = wallSeconds > 0 ? Math.round(events / wallSeconds) : events
  return { file, ...simulation, timeline: undefined, eventsPerSecond }
}

function conclude(
  { output }: Context,
  ran: readonly Ran[],
  { simulator, isMany }: { simulator: Simulator; isMany: boolean }
): ExitCode {
  const { reportText, replayText, commandText } = simulator.report
  const violated = ran.filter(({ simulation }) => simulation.violations.length > 0)
  for (const { file, scenario, simulation } of isMany ? violated : ran) {
    if (isMany) output.line()
    for (const line of reportText(simulation, { file, about: scenario.about })) output.line(line)
    for (const entry of simulation.timeline) output.event('timeline', entry)
  }
  const told = violated[0] ?? ran.at(-1)
  if (told === undefined) throw new Error('nothing was run')
  if (isMany) {
    output.line()
    output.line(`${ran.length} runs, ${violated.length} of them with a violation.`)
  }
  const runs = isMany ? { runs: ran.map(({ file, simulation }) => factsOf(file, simulation)) } : {}
  const facts = { ...factsOf(told.file, told.simulation), ...runs }
  const replay = replayText(told.file, told.seed)
  if (violated.length === 0) {
    output.next(`other seeds: \`${commandText(told.file)} --runs 10\`.`)
    output.result(facts)
    return EXIT.done
  }
  const failure = new simulator.SimulationViolated(
    `${told.scenario.name} with seed ${told.seed} found what must never be`,
    { seed: told.seed, replay }
  )
  output.next(`see it again, and each event: \`${replay} --trace FILE\`.`)
  const { facts: more, ...error } = writeFailure(failure)
  output.result({ ok: false, error: { ...error, ...more }, ...facts })
  return EXIT.failed
}
