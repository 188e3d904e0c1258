// `npm run bench:peers [-- TREE]`: Drystone beside restic and borg, and `cp -a`, on one real tree with real
// commands; wall and processor time, memory and stored bytes, and which of DESIGN's bars are met. With
// `--files 10000,100000` the trees are made here (and changed, for backups after ten changes), and it is told
// how time grows with the number of files.
// A machine that others use too gives other seconds in every run: the ratios are what counts.

import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { barsOf, compare, seconds, type Bar, type Row } from './_peers/compare.ts'
import { emptied, type Contestant, type Job } from './_peers/contestant.ts'
import { Drystone } from './_peers/drystone.ts'
import { Borg, Copy, Find, Restic, type Setting } from './_peers/others.ts'
import { hasTool, obstacle } from './_peers/timed.ts'
import { changeTen, makeSmallFiles, warm } from './_peers/trees.ts'
import { bytesText, ratioText, tableOf } from './table.ts'

const DEFAULT_TREE = '/usr'
const DEFAULT_ROUNDS = 3
const JOBS: readonly Job[] = ['create', 'first', 'restore', 'wire', 'scan', 'tracked']
const USAGE = `npm run bench:peers [-- [TREE] [--rounds N] [--jobs ${JOBS.join(',')}] [--dir DIR]
                      [--only drystone,restic,borg,cp,find] [--files N,N] [--json]]`

interface Report {
  files: number
  bytes: number
  rows: Row[]
  bars: Bar[]
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    jobs: { type: 'string', default: JOBS.join(',') },
    only: { type: 'string' },
    files: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

const tell = (line: string): void => {
  if (flags.json) process.stderr.write(`${line}\n`)
  else console.log(line)
}

function contestants(setting: Setting): Contestant[] {
  const only = flags.only?.split(',')
  const isWanted = (name: string): boolean => only === undefined || only.includes(name)
  const all: Contestant[] = []
  if (isWanted('drystone')) all.push(new Drystone(setting))
  for (const [name, make] of [
    ['restic', Restic],
    ['borg', Borg]
  ] as const) {
    if (!isWanted(name)) continue
    const how = `${name} is not installed (apt-get install ${name}${name === 'borg' ? 'backup' : ''})`
    if (hasTool(name, name === 'borg' ? '--version' : 'version')) all.push(new make(setting))
    else tell(`${how}: going on without it.`)
  }
  if (isWanted('cp')) all.push(new Copy(setting))
  if (isWanted('find')) all.push(new Find(setting))
  return all
}

async function measure(folder: string, tree: string, rounds: number): Promise<Report> {
  // A tree that was made here may be changed; one that was named is somebody's.
  const isOurs = tree.startsWith(`${folder}/`)
  const { files, bytes } = warm(tree)
  tell(`${tree}: ${files} files, ${bytesText(bytes)}; ${rounds} rounds`)
  const all = contestants({ folder, tree })
  const wanted = JOBS.filter((job) => flags.jobs.split(',').includes(job))
  const jobs = wanted.filter((job) => isOurs || job !== 'tracked')
  const change = (round: number): void => changeTen(tree, files, round)
  try {
    const rows = await compare(all, { tree, rounds, jobs, change, tell })
    const bars = barsOf(rows, files)
    for (const line of linesOf(rows, bars)) tell(line)
    return { files, bytes, rows, bars }
  } finally {
    for (const each of all) await each.close()
  }
}

function linesOf(rows: readonly Row[], bars: readonly Bar[]): string[] {
  const head = ['job', 'command', 'wall', 'x ours', 'cpu', 'x ours', 'memory', 'stored']
  const table = rows.map((row) => [
    row.job,
    row.who === 'drystone' ? `drystone ${row.command}` : row.command,
    seconds(row.wallMs),
    ratioText(row.wallRatio),
    seconds(row.cpuMs),
    ratioText(row.cpuRatio),
    bytesText(row.memoryBytes),
    row.storedBytes === undefined ? '-' : bytesText(row.storedBytes)
  ])
  const adopting = rows.find(({ facts }) => facts?.['adoptMs'] !== undefined)?.facts?.['adoptMs']
  return [
    '',
    ...tableOf([head, ...table]),
    ...(typeof adopting === 'number'
      ? [`base adopt before the first backup: ${seconds(adopting)}`]
      : []),
    '',
    ...bars.map(({ row, what, met }) => `DESIGN 9, row ${row}: ${met ? 'met' : 'NOT met'}: ${what}`)
  ]
}

/** How time grew from the smallest tree to each larger one, against the number of files. */
function growthOf(reports: readonly Report[]): string[] {
  const [first, ...later] = reports
  if (first === undefined || later.length === 0) return []
  const head = ['growth', 'command', 'files', 'time', 'time a file']
  const table = later.flatMap(({ files, rows }) =>
    rows.flatMap(({ job, who, command, wallMs }) => {
      const base = first.rows.find((row) => row.job === job && row.who === who)
      if (base === undefined) return []
      const [more, longer] = [files / first.files, wallMs / base.wallMs]
      const name = who === 'drystone' ? `drystone ${command}` : command
      return [[job, name, ratioText(more), ratioText(longer), ratioText(longer / more)]]
    })
  )
  return ['', ...tableOf([head, ...table]), 'Below 1x a file: it grows no faster than the files.']
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(realpathSync(flags.dir), 'drystone-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const counts = flags.files?.split(',').map(Number)
  const reports: Report[] = []
  if (counts === undefined) {
    const tree = realpathSync(resolve(positionals[0] ?? DEFAULT_TREE))
    if (folder.startsWith(`${tree}/`)) throw new Error(`${folder} lies in ${tree}: name --dir`)
    reports.push(await measure(folder, tree, Number(flags.rounds ?? DEFAULT_ROUNDS)))
  } else {
    for (const files of counts) {
      const tree = emptied(folder, 'tree')
      makeSmallFiles(tree, files)
      reports.push(await measure(folder, tree, Number(flags.rounds ?? 1)))
    }
    for (const line of growthOf(reports)) tell(line)
  }
  if (flags.json) console.log(JSON.stringify({ reports }))
}

const problem = obstacle()
if (flags.help) console.log(USAGE)
else if (problem !== undefined) {
  console.error(problem)
  process.exitCode = 1
} else {
  statSync(flags.dir)
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  await main()
}
