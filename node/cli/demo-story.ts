// The story of the demo, step by step: found, join, publish, deploy, adopt, work, back up, lose, recover,
// restore, go on. Each step prints its numbers; the last compares the lost tree with the one that came back.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../store/clock.ts'
import { LISTEN_FLAGS, type CommandResult, type Office } from './demo-office.ts'
import { compareTrees, sizeOfTree } from './demo-walk.ts'
import { changeBaseFiles, addPrivateFiles } from './demo-work.ts'
import { bytesText, type Output } from './output.ts'
import { isRoot } from './local-tree.ts'
import { WrongUsage } from './session.ts'

const BASE = 'office@1'
const WAIT = ['--wait', 'protected=5m']
/** Real directories that most computers have; the smallest with enough in it is taken. */
const USUAL_BASES = ['/usr/share', '/usr/include', '/usr/bin', '/usr/lib', '/usr/lib/gcc', '/usr']
const BASE_BYTES_MIN = 100e6
const BASE_BYTES_MAX = 600e6

export interface Step {
  step: string
  seconds: number
  facts: Record<string, unknown>
}

export interface Story {
  steps: Step[]
  /** Rows of the table at the end. */
  facts: string[][]
  differences: string[]
}

interface Setting {
  output: Output
  base: string | undefined
}

export async function runStory(office: Office, { output, base }: Setting): Promise<Story> {
  const teller = new Teller(output)
  const from = base ?? (await usualBase())
  const path = (name: string): string => join(office.folder, name)
  await foundOffice(office, teller)
  await shareBase(office, teller, from)
  await startDesks(office, teller, from)
  await workAndBackUp(office, teller)

  await teller.step('desk-1 and nas are destroyed, process and home', async () => {
    await rename(path('desk-1-root'), path('lost'))
    await office.destroy('desk-1')
    await office.destroy('nas')
    return { left: office.running().join(', ') }
  })
  await comeBack(office, teller)
  const differences = await teller.compare(path('lost'), path('desk-3-root'))
  await goOn(office, teller)
  return { steps: teller.steps, facts: teller.table, differences }
}

/** Tells the steps as they happen, and keeps their numbers. */
class Teller {
  readonly steps: Step[] = []
  readonly table: string[][] = [['step', 'seconds', 'what']]
  readonly output: Output

  constructor(output: Output) {
    this.output = output
  }

  async step(title: string, work: () => Promise<Record<string, unknown>>): Promise<void> {
    this.output.line(`• ${title}`)
    const startedMs = systemClock.monotonic()
    const facts = await work()
    const seconds = Math.round((systemClock.monotonic() - startedMs) / 100) / 10
    const text = Object.entries(facts)
      .map(([name, value]) => `${name} ${shown(name, value)}`)
      .join(', ')
    this.output.line(`    ${seconds} s${text === '' ? '' : `: ${text}`}`)
    this.steps.push({ step: title, seconds, facts })
    this.table.push([title, String(seconds), text])
    this.output.event('step', { step: title, seconds, ...facts })
  }

  readonly progress = (fields: Record<string, unknown>): void => {
    const text = Object.entries(fields)
      .filter(([name]) => name !== 'v' && name !== 'type')
      .map(([name, value]) => `${name} ${shown(name, value)}`)
    this.output.progress(`    ${text.join(', ')}`)
  }

  async compare(lost: string, back: string): Promise<string[]> {
    let differences: string[] = []
    await this.step('the restored tree is compared with the lost one', async () => {
      const { entries, found } = await compareTrees(lost, back)
      differences = found
      return { entries, differences: found.length }
    })
    return differences
  }
}

function shown(name: string, value: unknown): string {
  const isBytes = /bytes$/i.test(name) && typeof value === 'number'
  return isBytes ? bytesText(value) : String(value)
}

async function foundOffice(office: Office, teller: Teller): Promise<void> {
  await teller.step('nas founds the mesh', async () => {
    const sheet = join(office.folder, 'recovery-words')
    await office.run('nas', ['setup', '--name', 'nas', '--sheet', sheet, ...LISTEN_FLAGS])
    await office.up('nas')
    return {}
  })
  for (const name of ['attic', 'desk-1', 'desk-2']) {
    await teller.step(`${name} joins, finding the mesh by mDNS alone`, async () => {
      const isDesk = name.startsWith('desk')
      const role = isDesk ? 'endpoint' : 'storage'
      const { code } = await office.run('nas', ['invite', '--role', role])
      const place = join(office.folder, `${name}-root`)
      if (isDesk) await mkdir(place)
      const root = isDesk ? ['--root', place] : []
      const words = ['join', String(code), '--name', name, ...root, ...LISTEN_FLAGS]
      const { via } = await office.run(name, words)
      await office.up(name)
      return { via }
    })
  }
}

async function shareBase(office: Office, teller: Teller, from: string): Promise<void> {
  await teller.step(`nas publishes ${BASE}, made of ${from}`, async () => {
    const words = ['base', 'create', BASE, '--from', from]
    const made = await office.run('nas', words, teller.progress)
    return pick(made, ['files', 'bytes', 'storedBytes', 'copies'])
  })
}

async function startDesks(office: Office, teller: Teller, from: string): Promise<void> {
  const path = (name: string): string => join(office.folder, name)
  await teller.step(`${BASE} is deployed to the bare root of desk-1`, async () => {
    const words = ['base', 'deploy', BASE, '--to', path('desk-1-root')]
    const done = await office.run('desk-1', words, teller.progress)
    return pick(done, ['files', 'bytes'])
  })
  await teller.step('desk-2, a plain copy of the same tree, adopts it', async () => {
    await copyTree(from, path('desk-2-root'))
    const done = await office.run('desk-2', ['base', 'adopt', BASE])
    return pick(done, ['matched', 'hashedBytes'])
  })
}

async function workAndBackUp(office: Office, teller: Teller): Promise<void> {
  for (const name of ['desk-1', 'desk-2']) {
    const root = join(office.folder, `${name}-root`)
    await teller.step(`${name}: private files are added`, async () => addPrivateFiles(root, name))
    await teller.step(`${name}: first backup`, async () => backUp(office, teller, name))
    await teller.step(`${name}: base files are changed, moved, deleted`, async () =>
      changeBaseFiles(root)
    )
    await teller.step(`${name}: second backup`, async () => backUp(office, teller, name))
  }
}

async function backUp(
  office: Office,
  teller: Teller,
  name: string
): Promise<Record<string, unknown>> {
  const done = await office.run(name, ['backup', ...WAIT], teller.progress)
  return pick(done, [
    'point',
    'changed',
    'hashedBytes',
    'newBytes',
    'sentBytes',
    'baseHashedBytes',
    'baseSentBytes',
    'baseStoredBytes',
    'copies'
  ])
}

async function comeBack(office: Office, teller: Teller): Promise<void> {
  const root = join(office.folder, 'desk-3-root')
  await mkdir(root)
  await teller.step('desk-3, blank, comes in with the recovery words alone', async () => {
    const sheet = join(office.folder, 'recovery-words')
    const flags = ['--name', 'desk-3', '--root', root, '--replaces', 'desk-1']
    const words = ['recover', ...flags, '--recovery-file', sheet, ...LISTEN_FLAGS]
    const done = await office.run('desk-3', words)
    await office.up('desk-3')
    return pick(done, ['via', 'endpoints'])
  })
  await teller.step('desk-1 is restored there, from who is left', async () => {
    const words = ['restore', '--in-place']
    const done = await office.run('desk-3', words, teller.progress)
    const names = Object.keys(done['fromPeers'] as object).length
    return { ...pick(done, ['files', 'bytes', 'fetchedBytes']), holders: names }
  })
}

async function goOn(office: Office, teller: Teller): Promise<void> {
  await teller.step('the history of desk-1 goes on from desk-3', async () => {
    const done = await office.run('desk-3', ['backup'], teller.progress)
    return pick(done, ['point', 'changed', 'newBytes', 'copies'])
  })
}

function pick(result: CommandResult, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, result[name]]))
}

/** A real directory of this computer, of a size that shows something and does not take for ever. */
async function usualBase(): Promise<string> {
  let best: { path: string; bytes: number } | undefined
  for (const path of USUAL_BASES.filter((each) => existsSync(each))) {
    const bytes = await sizeOfTree(path, BASE_BYTES_MAX)
    if (bytes >= BASE_BYTES_MIN && (best === undefined || bytes < best.bytes)) {
      best = { path, bytes }
    }
  }
  if (best === undefined) {
    throw new WrongUsage('no directory of 100 MB was found to make the base of', {
      next: 'Name one with --base DIR.'
    })
  }
  return best.path
}

/** With all metadata, as an imaging tool would; a user gets what a user can read. */
async function copyTree(from: string, to: string): Promise<void> {
  const copying = promisify(execFile)('cp', ['-a', `${from}/.`, to])
  if (isRoot) await copying
  else await copying.catch(() => undefined)
}
