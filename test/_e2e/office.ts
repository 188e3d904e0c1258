// An office of real processes for the tests: a folder of homes and trees, commands run as a user would run
// them, peers that are started, stopped and killed by their own id. Every run is held to what all commands
// promise: with `--json` each line is an object of version 1 and the last is the result; nothing that a
// user did wrong ends in a stack trace. `close` leaves neither processes nor files.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../node/cli.ts', import.meta.url))
const RUN_MS = 60_000
/** Peers of the tests stay on this computer. */
export const LOCAL: readonly string[] = ['--listen', '127.0.0.1:0']

export type Fields = Record<string, unknown>

/** Fields of a result that are not there. */
export function missingOf(fields: Fields, names: string): string[] {
  return names.split(' ').filter((name) => !Object.hasOwn(fields, name))
}

/** What a command did. */
export interface Ran {
  code: number
  /** The last line that it printed with `--json`. */
  result: Fields
  /** The failure in it. */
  error: { name: string; message: string; next?: string } & Fields
  lines: Fields[]
  stdout: string
  stderr: string
}

export interface RunInit {
  cwd?: string
  /** Without `--json`, as people see it. */
  plain?: boolean
  input?: string
  /** Is given the process once it runs. */
  onStart?: (child: ChildProcess) => void
  /** Sees each line as it comes, and the process: to kill it in the middle. */
  onLine?: (line: Fields, child: ChildProcess) => void
}

export interface OfficeInit {
  /** Before every command, such as `ip netns exec NAME`, by the name of the home. */
  prefix?: (name: string) => string[]
}

export class Office {
  readonly folder = mkdtempSync(join(tmpdir(), 'drystone-e2e-'))
  readonly #prefix: (name: string) => string[]
  readonly #peers = new Map<string, Peer>()
  readonly #running = new Set<ChildProcess>()

  constructor({ prefix = () => [] }: OfficeInit = {}) {
    this.#prefix = prefix
    // A test that is given up leaves no processes behind either.
    const killAll = (): void => {
      for (const child of this.#running) child.kill('SIGKILL')
    }
    process.once('exit', killAll)
    process.once('SIGTERM', () => process.exit(1))
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  home(name: string): string {
    return this.path('homes', name)
  }

  /** Runs a command on a home to its end, whatever that is. */
  async run(name: string, words: readonly string[], init: RunInit = {}): Promise<Ran> {
    const child = this.spawn(name, init.plain === true ? words : [...words, '--json'], init)
    child.stdin?.end(init.input ?? '')
    init.onStart?.(child)
    let stderr = ''
    let stdout = ''
    const lines: Fields[] = []
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (line) => {
        stdout += `${line}\n`
        if (init.plain === true) return
        lines.push(JSON.parse(line) as Fields)
        init.onLine?.(lines.at(-1) ?? {}, child)
      })
    }
    const patience = setTimeout(() => child.kill('SIGKILL'), RUN_MS)
    const code = await ended(child)
    clearTimeout(patience)
    const ran = { code, lines, stdout, stderr, result: lines.at(-1) ?? {} }
    const error = (ran.result['error'] ?? {}) as Ran['error']
    assertNoTrace(words, stdout + stderr)
    if (code >= 0 && init.plain !== true) assertWellFormed(words, ran)
    return { ...ran, error }
  }

  /** Runs a command that must succeed; its result. */
  async ok(name: string, words: readonly string[], init: RunInit = {}): Promise<Fields> {
    const ran = await this.run(name, words, init)
    if (ran.code === 0) return ran.result
    throw new Error(`${name}: drystone ${words.join(' ')}: ${ran.code} ${ran.stdout}${ran.stderr}`)
  }

  /** Starts `up`; resolves when the peer is ready. */
  async up(name: string, words: readonly string[] = []): Promise<Peer> {
    const peer = new Peer(this.spawn(name, ['up', ...words, '--json']))
    this.#peers.set(name, peer)
    await peer.ready
    return peer
  }

  /** A new mesh, and its first peer, which runs. The words are in `path('sheet')`. */
  async found(name: string, words: readonly string[] = []): Promise<void> {
    const sheet = ['--sheet', this.path('sheet')]
    await this.ok(name, ['setup', '--name', name, ...sheet, ...LOCAL, ...words])
    await this.up(name)
  }

  /** Invites and lets join; the new peer runs. Protects `path('NAME-root')` where it is an endpoint. */
  async enter(name: string, role: 'storage' | 'endpoint', by = 'nas'): Promise<void> {
    const { code } = await this.ok(by, ['invite', '--role', role])
    const root = role === 'endpoint' ? ['--root', this.path(`${name}-root`)] : []
    // An address beside mDNS: there may be many other offices on this loopback.
    const where = ['--addr', this.addressOf(by)]
    await this.ok(name, ['join', String(code), '--name', name, ...where, ...root, ...LOCAL])
    await this.up(name)
  }

  peer(name: string): Peer {
    const peer = this.#peers.get(name)
    if (peer === undefined) throw new Error(`${name} was never started`)
    return peer
  }

  /** The process at once, the home for good. */
  async destroy(name: string): Promise<void> {
    await this.peer(name).kill()
    await rm(this.home(name), { recursive: true, force: true })
  }

  /** Where a running peer can be reached, as `--addr` takes it. */
  addressOf(name: string): string {
    const [address = ''] = this.peer(name).addresses
    const [, host, port] = /\/ip4\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
    return `${host}:${port}`
  }

  spawn(name: string, words: readonly string[], { cwd }: RunInit = {}): ChildProcess {
    const line = [...this.#prefix(name), process.execPath, CLI, ...words, '--home', this.home(name)]
    const [command = '', ...rest] = line
    const child = spawn(command, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, HOME: this.folder, XDG_CACHE_HOME: join(tmpdir(), CACHE) }
    })
    this.#running.add(child)
    void ended(child).then(() => this.#running.delete(child))
    return child
  }

  /** Ends what still runs, and removes the folder. @throws {Error} if a peer printed a stack trace. */
  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop()))
    for (const child of this.#running) child.kill('SIGKILL')
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
    for (const [name, peer] of this.#peers) assertNoTrace(['up', name], peer.stderr)
  }
}

/** Compiled once for all offices of one user, as it is for a user. */
const CACHE = `drystone-e2e-cache-${process.getuid?.() ?? 0}`

/** A peer that runs. */
export class Peer {
  readonly child: ChildProcess
  readonly ready: Promise<Fields>
  stderr = ''
  addresses: string[] = []

  constructor(child: ChildProcess) {
    this.child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ready = new Promise((resolve, reject) => {
      if (child.stdout !== null) {
        createInterface(child.stdout).once('line', (line) => {
          const fields = JSON.parse(line) as Fields
          if (fields['type'] !== 'ready') return reject(new Error(`up: ${line}`))
          this.addresses = fields['addrs'] as string[]
          resolve(fields)
        })
      }
      void ended(child).then(() => reject(new Error(`up ended: ${this.stderr}`)))
    })
  }

  async kill(): Promise<void> {
    const gone = ended(this.child)
    this.child.kill('SIGKILL')
    await gone
  }

  /** Its exit code, once it has ended by itself. */
  end(): Promise<number> {
    return ended(this.child)
  }

  /** Lets it end in order; its exit code. */
  async stop(): Promise<number> {
    const gone = ended(this.child)
    this.child.kill('SIGTERM')
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
    const code = await gone
    clearTimeout(patience)
    return code
  }
}

/** The exit code; -1 if a signal ended it. */
function ended(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? -1)
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? -1))
  })
}

function assertNoTrace(words: readonly string[], text: string): void {
  if (/^ {4}at /m.test(text)) throw new Error(`a stack trace from ${words.join(' ')}:\n${text}`)
}

function assertWellFormed(
  words: readonly string[],
  { code, lines, stderr }: Omit<Ran, 'error'>
): void {
  const problem = (what: string): Error =>
    new Error(`${words.join(' ')}: ${what}: ${JSON.stringify(lines.at(-1))} ${stderr}`)
  for (const line of lines) if (line['v'] !== 1) throw problem('a line without its version')
  const last = lines.at(-1)
  if (last?.['type'] !== 'result') throw problem('the last line is no result')
  if (lines.filter(({ type }) => type === 'result').length !== 1) throw problem('several results')
  const isFailure = last['ok'] !== true
  const error = last['error'] as { name?: string; message?: string } | undefined
  if (isFailure && (!error?.name || !error.message)) throw problem('a failure without its name')
  // Done, and yet there is something to say: skipped files, too few copies, damage.
  const isDone = [0, 3, 4, 14].includes(code)
  if (isFailure ? code === 0 : !isDone) throw problem(`ok and the exit code ${code} do not agree`)
  if (error?.name === 'Unexpected') throw problem('a failure that nobody expected')
}
