// Real commands, measured from outside: wall time by our own clock, processor time and memory by GNU time,
// and what peers that run beside the command did for it by /proc. Whoever works for a command is counted.

import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const TIME = '/usr/bin/time'
/** Linux counts the processor time of a process in hundredths of a second. */
const TICK_MS = 10
/** What is kept of a command's output, for a message. */
const SHOWN = 2000

export interface Timed {
  wallMs: number
  /** User and system time of the command and of the peers that worked for it. */
  cpuMs: number
  /** Largest resident size of the command, and of its own peer where it has one. */
  memoryBytes: number
  stdout: string
}

export interface TimedInit {
  folder: string
  cwd?: string
  env?: Record<string, string>
  /** Exit codes that are no failure; 0 alone unless told. */
  codes?: readonly number[]
  /** Peers whose processor time counts; the memory of the first counts too. */
  peers?: readonly number[]
}

/** Why nothing can be measured here, or undefined. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'bench:peers needs Linux: it reads /proc.'
  if (hasTool(TIME, '--version')) return undefined
  return `bench:peers needs ${TIME}: apt-get install time.`
}

export function hasTool(command: string, ...words: string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0
}

/** Runs a command to its end. @throws {Error} with its output, if it fails */
export async function timed(line: readonly string[], init: TimedInit): Promise<Timed> {
  const { folder, cwd, env = {}, codes = [0], peers = [] } = init
  // What an earlier run left to be written must not be paid for by this one.
  spawnSync('sync')
  for (const peer of peers) writeFileSync(`/proc/${peer}/clear_refs`, '5')
  const beforeMs = peers.map(processorMs)
  const account = join(folder, 'time')
  const startedMs = performance.now()
  const child = spawn(TIME, ['-v', '-o', account, ...line], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? -1))
  })
  const wallMs = performance.now() - startedMs
  const text = readFileSync(account, 'utf8')
  rmSync(account)
  if (!codes.includes(code)) {
    throw new Error(`${line.join(' ')} ended with ${code}\n${(stderr + stdout).slice(-SHOWN)}`)
  }
  const peersMs = peers.map((peer, i) => processorMs(peer) - (beforeMs[i] ?? 0))
  const own = peers[0] === undefined ? 0 : peakBytes(peers[0])
  return {
    wallMs,
    cpuMs: [secondsIn(text, 'User'), secondsIn(text, 'System'), ...peersMs].reduce((a, b) => a + b),
    memoryBytes: numberIn(text, /Maximum resident set size \(kbytes\): (\d+)/) * 1024 + own,
    stdout
  }
}

function secondsIn(text: string, kind: 'User' | 'System'): number {
  return numberIn(text, new RegExp(`${kind} time \\(seconds\\): ([\\d.]+)`)) * 1000
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1])
}

function processorMs(pid: number): number {
  // The second field is a name in brackets, and may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

function peakBytes(pid: number): number {
  return numberIn(readFileSync(`/proc/${pid}/status`, 'utf8'), /VmHWM:\s+(\d+) kB/) * 1024
}
