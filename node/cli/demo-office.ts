// The office of the demo: homes and processes. It runs commands as a user would, reads their results, and
// ends only the processes that it has started.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CommandFailed } from '../errors.ts'

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url))
/** Peers of the demo stay on this computer. */
const LISTEN = '127.0.0.1:0'

/** The last line that a command printed, and its exit code. */
export interface CommandResult extends Record<string, unknown> {
  exitCode: number
}

export class Office {
  readonly folder: string
  readonly #signal: AbortSignal
  readonly #peers = new Map<string, ChildProcess>()

  constructor(folder: string, signal: AbortSignal) {
    this.folder = folder
    this.#signal = signal
  }

  home(name: string): string {
    return join(this.folder, name)
  }

  /** Starts `drystone up` and waits until it is ready. */
  async up(name: string): Promise<void> {
    const child = this.#spawn(['up', '--home', this.home(name), '--json'], false)
    this.#peers.set(name, child)
    const [line] = (await once(createInterface({ input: child.stdout ?? process.stdin }), 'line', {
      signal: this.#signal
    })) as [string]
    if (!line.includes('"type":"ready"')) throw new CommandFailed(`up ${name}`, line)
    child.stdout?.resume()
  }

  /** Runs a command on a home to its end. `onProgress` gets what it says on the way. */
  async run(
    name: string,
    words: readonly string[],
    onProgress: (fields: Record<string, unknown>) => void = () => {}
  ): Promise<CommandResult> {
    const child = this.#spawn([...words, '--home', this.home(name), '--json'], true)
    let last: Record<string, unknown> = {}
    const ended = once(child, 'close') as Promise<[number | null]>
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      last = JSON.parse(line) as Record<string, unknown>
      if (last['type'] === 'progress') onProgress(last)
    }
    const [code] = await ended
    if (last['ok'] !== true) throw new CommandFailed(words.join(' '), JSON.stringify(last['error']))
    return { ...last, exitCode: code ?? 1 }
  }

  /** The computer dies: its process at once, its home for good. */
  async destroy(name: string): Promise<void> {
    await this.#kill(name, 'SIGKILL')
    await rm(this.home(name), { recursive: true, force: true })
  }

  running(): string[] {
    return [...this.#peers.keys()]
  }

  /** Leaves the peers running when this process ends. */
  letGo(): void {
    for (const child of this.#peers.values()) {
      child.stdout?.destroy()
      child.unref()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.running().map((name) => this.#kill(name, 'SIGTERM')))
  }

  async #kill(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#peers.get(name)
    this.#peers.delete(name)
    if (child === undefined || child.exitCode !== null) return
    const ended = once(child, 'close')
    child.kill(signal)
    await ended
  }

  #spawn(words: readonly string[], isOfTheMoment: boolean): ChildProcess {
    return spawn(process.execPath, [CLI, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A peer that is to be kept must not get the interrupt of this terminal.
      detached: !isOfTheMoment
    })
  }
}

/** Where every peer of the demo listens. */
export const LISTEN_FLAGS: readonly string[] = ['--listen', LISTEN]
