// Peers in processes of their own: starts them, reads what they say, and leaves none behind. A prefix such
// as `ip netns exec NAME` puts one elsewhere.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { PeerArgument, PeerLine } from './peer.ts'

const SCRIPT = fileURLToPath(new URL('./peer.ts', import.meta.url))

export class PeerProcess {
  readonly child: ChildProcess
  readonly lines: PeerLine[] = []
  readonly #waiting = new Set<() => void>()

  private constructor(child: ChildProcess) {
    this.child = child
    if (child.stdout === null) throw new Error('no output to read')
    createInterface(child.stdout).on('line', (line) => {
      this.lines.push(JSON.parse(line) as PeerLine)
      for (const wake of this.#waiting) wake()
    })
  }

  static start(t: ExecutionContext, argument: PeerArgument, prefix: string[] = []): PeerProcess {
    const [command = '', ...rest] = [...prefix, process.execPath, SCRIPT, JSON.stringify(argument)]
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    return new PeerProcess(child)
  }

  /** The first line that `isIt`, said already or to come. */
  async line(isIt: (line: PeerLine) => boolean): Promise<PeerLine> {
    for (;;) {
      const found = this.lines.find(isIt)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  async ready(): Promise<Extract<PeerLine, { type: 'ready' }>> {
    const line = await this.line(({ type }) => type !== 'seen')
    if (line.type !== 'ready') throw new Error(`the peer did not start: ${JSON.stringify(line)}`)
    return line
  }

  async seen(peer: string): Promise<Extract<PeerLine, { type: 'seen' }>> {
    const line = await this.line((each) => each.type === 'seen' && each.peer === peer)
    if (line.type !== 'seen') throw new Error('unreachable')
    return line
  }

  hasSeen(peer: string): boolean {
    return this.lines.some((line) => line.type === 'seen' && line.peer === peer)
  }

  async kill(): Promise<void> {
    await this.#exited(() => this.child.kill('SIGKILL'))
  }

  /** Lets it stop in order. */
  async stop(): Promise<void> {
    await this.#exited(() => this.child.stdin?.end())
  }

  async #exited(act: () => void): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve))
    act()
    await exited
  }
}
