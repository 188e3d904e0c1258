// Output of a command: for people, or as NDJSON for programs. Results go to stdout, progress to stderr; with
// `--json` every line is an object and the last one is always the result, also after a failure.

import { systemClock } from '../../store/clock.ts'
import { writeFailure } from '../control/call.ts'

/**
 * Whoever reads our output may go away first (`| head`, a demo that ended): what was begun is still done,
 * and nobody is left to tell.
 */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** Progress that comes sooner than this after the last is left out. */
const PROGRESS_MS = 100

export interface OutputOptions {
  json: boolean
  quiet: boolean
}

export class Output {
  readonly json: boolean
  readonly #quiet: boolean
  #result: object | undefined
  #progress = false
  #progressMs = Number.NEGATIVE_INFINITY

  constructor({ json, quiet }: OutputOptions) {
    this.json = json
    this.#quiet = quiet
  }

  /** A line for people; nothing with `--json`. */
  line(text = ''): void {
    if (this.json) return
    this.#clearProgress()
    process.stdout.write(`${text}\n`)
  }

  /** What one would do next. */
  next(text: string): void {
    if (!this.#quiet) this.line(`Next: ${text}`)
  }

  /** An event for programs; nothing for people. */
  event(type: string, fields: object): void {
    if (this.json) process.stdout.write(`${JSON.stringify({ v: 1, type, ...fields })}\n`)
  }

  /** The last line with `--json`; written by `end`, since what comes after may still fail. */
  result(fields: object): void {
    this.#clearProgress()
    this.#result = fields
  }

  /** All went well. */
  end(): void {
    if (this.#result !== undefined) this.event('result', { ok: true, ...this.#result })
  }

  /** How far a long job is; shown in place on a terminal, left out elsewhere. */
  progress(text: string, fields: object = {}): void {
    const nowMs = systemClock.monotonic()
    if (nowMs - this.#progressMs < PROGRESS_MS) return
    this.#progressMs = nowMs
    if (this.json) return this.event('progress', fields)
    if (this.#quiet || process.stderr.isTTY !== true) return
    this.#progress = true
    process.stderr.write(`\r\u001b[K${text}`)
  }

  failure(error: unknown, isVerbose: boolean): void {
    this.#clearProgress()
    const { name, message, next, facts } = writeFailure(error)
    if (this.json) {
      return this.event('result', { ok: false, error: { name, message, next, ...facts } })
    }
    process.stderr.write(`${name}: ${message}\n`)
    if (next !== undefined) process.stderr.write(`Next: ${next}\n`)
    if (isVerbose && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  }

  #clearProgress(): void {
    if (this.#progress) process.stderr.write('\r\u001b[K')
    this.#progress = false
  }
}

/** Bytes for people: 1.2 GB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ''}`
}

/** A span for people: 12 minutes. */
export function spanText(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`
  return `${Math.round(seconds / 86_400)} days`
}

/** A moment in local time, for people: Tue 24 Nov 14:02. */
export function momentText(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit'
  })
}

/** Rows as columns of equal width. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  }
  return rows
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}

/** What was done about an index that was lost, damaged or older than what it is an index over. */
export function rebuiltText(segments: number): string {
  const which = `${segments} segment${segments === 1 ? '' : 's'}`
  return `The index did not know ${which}; it was made again from what the files hold.`
}
