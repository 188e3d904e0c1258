// `npm run bench [-- NAME…] [--json]`: what the parts cost, each beside the least that its work could
// cost, in turns within one run. NAME is a room (append) or one of its benches (append-small).

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { base, restore } from './base.ts'
import { append, get, index } from './blocks.ts'
import { chunker } from './chunker.ts'
import { measure, type Measured, type Room } from './measure.ts'
import { page } from './page.ts'
import { seal } from './seal.ts'
import { bytesText, ratioText, tableOf } from './table.ts'

const ROOMS: Readonly<Record<string, Room>> = {
  ...{ chunker, seal, unseal: seal, append, get, page, base, restore, index }
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } }
})

function isWanted(room: string, bench: string): boolean {
  const isOwn = bench === room || bench.startsWith(`${room}-`)
  const isNamed = positionals.some((name) => bench === name || bench.startsWith(`${name}-`))
  return isOwn && (positionals.length === 0 || isNamed)
}

function rowOf({ name, rate, unit, bareRate, bare, wallRatio, cpuRatio }: Measured): string[] {
  const cells = [rateText(rate, unit), rateText(bareRate, unit), ratioText(wallRatio)]
  // What another process does is not in our processor time.
  const isOwn = bare !== 'cp -a'
  return [name, ...cells, isOwn ? ratioText(cpuRatio) : '-', bare]
}

function rateText(rate: number, unit: Measured['unit']): string {
  if (unit === 'B') return `${bytesText(rate)}/s`
  return `${Math.round(rate).toLocaleString('en')} ${unit}/s`
}

async function main(folder: string): Promise<void> {
  const measured: Measured[] = []
  for (const [name, room] of Object.entries(ROOMS)) {
    const isAsked = positionals.length === 0 || positionals.some((each) => roomOf(each) === name)
    if (!isAsked) continue
    for (const bench of await room(folder)) {
      if (!isWanted(name, bench.name)) {
        await bench.close?.()
        continue
      }
      if (!flags.json) process.stderr.write(`${bench.name}…\n`)
      measured.push(await measure(bench))
    }
  }
  const head = ['what', 'rate', 'bare rate', 'wall', 'cpu', 'times as long as']
  if (flags.json) console.log(JSON.stringify({ benches: measured }))
  else for (const line of tableOf([head, ...measured.map(rowOf)])) console.log(line)
}

/** `append` of `append-small`. */
function roomOf(name: string): string {
  return name.split('-')[0] ?? name
}

const unknown = positionals.filter((name) => ROOMS[roomOf(name)] === undefined)
if (unknown.length > 0) {
  console.error(
    `There is no bench ${unknown.join(', ')}; there are ${Object.keys(ROOMS).join(', ')}.`
  )
  process.exitCode = 2
} else {
  const folder = mkdtempSync(join(tmpdir(), 'drystone-bench-'))
  try {
    await main(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
