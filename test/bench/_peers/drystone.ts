// Drystone among the contestants: a small office of real processes on loopback. nas makes the base; attic
// keeps a copy, since a restore point counts as protected with two; a new desk for each round adopts the tree
// and makes its first backup, which is timed until both keepers have signed for it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LOCAL, Peer, type Fields } from '../../_e2e/office.ts'
import { bytesIn, emptied, type Contestant, type Job, type Outcome } from './contestant.ts'
import { isAgain, type Setting } from './others.ts'
import { timed, type TimedInit } from './timed.ts'

const CLI = fileURLToPath(new URL('../../../node/cli.ts', import.meta.url))
const BASE = 'bench@1'
/** Loopback only, and no word to the network. */
const QUIET = [...LOCAL, '--no-mdns']
const WAIT = ['--wait', 'protected=30m']
/** Done, though some files could not be read. */
const CODES = [0, 3]
const LOOK_MS = 500
const CALM_MS = 61_000

export class Drystone implements Contestant {
  readonly name = 'drystone'
  readonly jobs = {
    create: 'base create',
    first: 'backup --wait protected',
    restore: 'base deploy',
    wire: 'restore, all over the wire',
    scan: 'backup --scan, nothing changed',
    tracked: 'backup, 10 changes'
  }
  readonly #setting: Setting
  /** In the order in which they came. */
  readonly #peers = new Map<string, Peer>()
  #desk = ''

  constructor(setting: Setting) {
    this.#setting = setting
    // Given up in the middle, it leaves no processes behind, and before the folder goes.
    process.prependOnceListener('exit', () => {
      for (const { child } of this.#peers.values()) child.kill('SIGKILL')
    })
  }

  run(job: Job, round: number): Promise<Outcome> {
    if (job === 'create') return this.#create()
    if (job === 'first') return this.#first(round)
    if (job === 'scan') return this.#timed('own', ['backup', '--scan'])
    if (job === 'tracked') return this.#timed('own', ['backup'])
    return job === 'restore' ? this.#deploy() : this.#restore()
  }

  /** To be backed up again, the tree is that of an office of one, whose first backups are over. */
  async prepare(job: Job): Promise<void> {
    if (!isAgain(job) || this.#peers.has('own')) return
    const { folder, tree } = this.#setting
    emptied(folder, 'homes', 'own')
    const sheet = join(emptied(folder, 'homes', 'sheets'), 'own')
    await this.#call('own', ['setup', '--root', tree, '--sheet', sheet, ...QUIET])
    await this.#up('own')
    await this.#call('own', ['backup'])
    // What was made just now is looked at again until it has been calm for a minute.
    await sleep(CALM_MS)
    await this.#call('own', ['backup'])
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop()))
    this.#peers.clear()
  }

  async #create(): Promise<Outcome> {
    await this.close()
    const { folder, tree } = this.#setting
    const homes = emptied(folder, 'homes')
    const sheet = join(homes, 'sheet')
    await this.#call('nas', ['setup', '--name', 'nas', '--sheet', sheet, ...QUIET])
    await this.#up('nas')
    const before = bytesIn(this.#home('nas'))
    const done = await this.#timed('nas', ['base', 'create', BASE, '--from', tree])
    return { ...done, storedBytes: bytesIn(this.#home('nas')) - before }
  }

  async #first(round: number): Promise<Outcome> {
    if (!this.#peers.has('attic')) {
      await this.#enter('attic', ['--role', 'storage'])
      await this.#untilTwoHaveIt()
    }
    // One desk after another: the others are not there to be asked.
    await this.#peers.get(this.#desk)?.stop()
    this.#peers.delete(this.#desk)
    this.#desk = `desk-${round}`
    await this.#enter(this.#desk, ['--role', 'endpoint'], ['--root', this.#setting.tree])
    const adopted = await this.#timed(this.#desk, ['base', 'adopt', BASE])
    const keepers = ['nas', 'attic'].map((name) => this.#home(name))
    const before = keepers.map(bytesIn)
    const done = await this.#timed(this.#desk, ['backup', ...WAIT])
    const grown = keepers.map((home, i) => bytesIn(home) - (before[i] ?? 0))
    const facts = { ...done.facts, adoptMs: Math.round(adopted.wallMs) }
    return { ...done, facts, storedBytes: Math.max(...grown) }
  }

  async #deploy(): Promise<Outcome> {
    const root = emptied(this.#setting.folder, 'drystone-back')
    return { ...(await this.#timed('nas', ['base', 'deploy', BASE, '--to', root])), root }
  }

  async #restore(): Promise<Outcome> {
    const root = emptied(this.#setting.folder, 'drystone-back')
    return { ...(await this.#timed(this.#desk, ['restore', '--to', root])), root }
  }

  /** A keeper brings a base here by itself, and signs for it. */
  async #untilTwoHaveIt(): Promise<void> {
    for (;;) {
      const { bases } = await this.#call('nas', ['base', 'list'])
      const [base] = bases as { copies: string[] }[]
      if ((base?.copies.length ?? 0) >= 2) return
      await sleep(LOOK_MS)
    }
  }

  #home(name: string): string {
    return join(this.#setting.folder, 'homes', name)
  }

  async #enter(name: string, role: string[], more: string[] = []): Promise<void> {
    const { code } = await this.#call('nas', ['invite', ...role])
    const [address = ''] = this.#peers.get('nas')?.addresses ?? []
    const where = ['--addr', address.replace(/^\/ip4\/([^/]+)\/tcp\/(\d+).*$/, '$1:$2')]
    await this.#call(name, ['join', String(code), '--name', name, ...where, ...more, ...QUIET])
    await this.#up(name)
  }

  async #up(name: string): Promise<void> {
    const [command = '', ...words] = this.#line(name, ['up'])
    const env = { ...process.env, ...this.#env() }
    const peer = new Peer(spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env }))
    this.#peers.set(name, peer)
    await peer.ready
  }

  /** A command that is not measured; its result. */
  async #call(name: string, words: readonly string[]): Promise<Fields> {
    const { stdout } = await timed(this.#line(name, words), this.#init([]))
    return resultOf(stdout)
  }

  async #timed(name: string, words: readonly string[]): Promise<Outcome> {
    const others = [...this.#peers].filter(([other]) => other !== name)
    const peers = [this.#peers.get(name), ...others.map(([, peer]) => peer)]
    const pids = peers.map((peer) => peer?.child.pid).filter((pid) => pid !== undefined)
    const done = await timed(this.#line(name, words), this.#init(pids))
    return { ...done, facts: resultOf(done.stdout) }
  }

  #line(name: string, words: readonly string[]): string[] {
    return [process.execPath, CLI, ...words, '--home', this.#home(name), '--json']
  }

  #init(peers: readonly number[]): TimedInit {
    return { folder: this.#setting.folder, env: this.#env(), codes: CODES, peers }
  }

  #env(): Record<string, string> {
    const { folder } = this.#setting
    return { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') }
  }
}

function resultOf(stdout: string): Fields {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Fields
}
