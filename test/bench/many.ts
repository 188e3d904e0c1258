// `npm run bench:many [-- --blocks N] [--in DIR] [--json]`: what a store of very many blocks takes to work
// with. Sealed blocks with tiny bodies are indexed from their segments alone, checked, swept, and offered to
// a keeper; of each step it tells time, rate, and the most memory that the process had resident meanwhile.
// Needs about 700 bytes of disk a block.

import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { HASH_BYTES, fromHex, type Hash } from '../../store/block.ts'
import type { Blockstore } from '../../store/blockstore.ts'
import { check } from '../../store/check.ts'
import type { Ref } from '../../store/links.ts'
import { sweep, type Swept } from '../../store/sweep.ts'
import { fill, type PullBlocks } from '../../node/closure.ts'
import { Shop } from './blocks.ts'
import { bytesText, tableOf } from './table.ts'

const LOOM = fileURLToPath(new URL('./loom.ts', import.meta.url))
/** As the loom has it. */
const SCOPE = '00'.repeat(16)

const { values: flags } = parseArgs({
  options: {
    blocks: { type: 'string', default: '1000000' },
    in: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false }
  }
})

interface Step {
  what: string
  seconds: number
  blocks: number
  /** The most that was resident, of the whole process. */
  bytes: number
  /** Of that, what is no part of a file: Level maps its tables, and the system takes those back at will. */
  ownBytes: number
}

/** The kernel's note of the most memory that was resident is set back to what is now. */
function forgetPeak(): void {
  const file = openSync('/proc/self/clear_refs', 'w')
  writeSync(file, '5')
  closeSync(file)
}

function statusBytes(field: 'VmHWM' | 'RssAnon'): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024
}

/** The most that is resident and no part of a file, looked at ten times a second. */
function watchOwn(): () => number {
  let most = 0
  const look = (): void => {
    most = Math.max(most, statusBytes('RssAnon'))
  }
  const timer = setInterval(look, 100)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}

function pullFrom(store: Blockstore): PullBlocks {
  return async function* (scope, hashes) {
    for (const hash of hashes) yield await store.getStored(scope, hash)
  }
}

const refOf = (hash: Hash): Ref => ({ hash, kind: 'sealed' })

async function run(folder: string, count: number): Promise<Step[]> {
  const steps: Step[] = []
  const step = async <T>(what: string, work: () => Promise<T>, blocks = count): Promise<T> => {
    forgetPeak()
    const own = watchOwn()
    const begun = performance.now()
    const done = await work()
    const seconds = (performance.now() - begun) / 1000
    const taken = { what, seconds, blocks, bytes: statusBytes('VmHWM'), ownBytes: own() }
    steps.push(taken)
    if (!flags.json) process.stderr.write(`${rowOf(taken).join('  ')}\n`)
    return done
  }
  const woven = execFileSync(process.execPath, [LOOM, join(folder, 'writer'), String(count)])
  const { roots, made } = JSON.parse(woven.toString()) as { roots: string[]; made: number }
  const promised = roots.map((hex) => ({ scope: SCOPE, ref: refOf(fromHex(hex, HASH_BYTES)) }))
  const opened = await step('index made from footers', () => Shop.open(join(folder, 'writer')))
  const half = promised.slice(0, Math.ceil(roots.length / 2)).map(({ ref }) => ref)
  const sweepHalf = (): Promise<Swept> => sweepTo(opened.store, half)
  const { blocks } = await step('sweep, half of it goes', sweepHalf)
  if (blocks === 0) throw new Error('nothing was swept')
  const left = made - blocks
  await step('sweep, nothing goes', sweepHalf, left)
  for (const deep of [false, true]) {
    const found = await step(
      deep ? 'check --deep' : 'check',
      () => check({ blockstore: opened.store }, { roots: promised.slice(0, half.length), deep }),
      left
    )
    const { damaged, missing } = found
    if (found.blocks !== left || damaged.length + missing.length > 0) throw new Error('not whole')
  }
  const keeper = await Shop.open(join(folder, 'keeper'))
  const { store } = keeper
  const offered = { store, scope: SCOPE, pull: pullFrom(opened.store) }
  for (const what of ['offer, all of it new', 'offer, nothing new']) {
    await step(what, () => fill(offered, half).then(() => store.flush()), left)
  }
  await opened.remove()
  await keeper.remove()
  return steps
}

function sweepTo(store: Blockstore, kept: Ref[]): Promise<Swept> {
  return sweep({ store, scope: SCOPE, roots: async () => ({ kept, undo: [] }) })
}

function rowOf({ what, seconds, blocks, bytes, ownBytes }: Step): string[] {
  const rate = Math.round(blocks / seconds).toLocaleString('en')
  return [
    what,
    `${seconds.toFixed(1)} s`,
    `${rate} blocks/s`,
    bytesText(bytes),
    bytesText(ownBytes)
  ]
}

const count = Number(flags.blocks)
if (!Number.isSafeInteger(count) || count < 1) {
  console.error(`--blocks ${flags.blocks}: say how many, such as 18000000.`)
  process.exitCode = 2
} else {
  const folder = mkdtempSync(join(flags.in, 'drystone-many-'))
  try {
    const steps = await run(folder, count)
    if (flags.json) console.log(JSON.stringify({ blocks: count, steps }))
    else {
      const head = ['what', 'time', 'rate', 'most memory', 'of no file']
      for (const line of tableOf([head, ...steps.map(rowOf)])) console.log(line)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
