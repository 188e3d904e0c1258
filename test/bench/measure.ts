// Measuring: a piece of ours and a bare piece of work that does the least that is needed, in turns within one
// run. On a machine that others use too a rate says little; the ratio of two turns says how much our code
// costs on top. Medians are told, of wall time, and of processor time of all threads.

import { median } from './_peers/compare.ts'

/** Turns go on until they have taken this long together, or are this many. */
const TURNS_MS = 2000
const TURNS_MAX = 15
const TURNS_MIN = 3

export interface Bench {
  /** As it is asked for on the command line: its room, and what of it. */
  name: string
  /** What the bare work is. */
  bare: string
  unit: 'B' | 'blocks' | 'entries' | 'files'
  /** So many units in one turn. */
  amount: number
  /** Makes ready for one turn, outside the time. */
  prepare?: () => Promise<void> | void
  ours: () => Promise<unknown> | void
  reference: () => Promise<unknown> | void
  close?: () => Promise<void> | void
}

/** A room's benches; `folder` is empty and goes when all is done. */
export type Room = (folder: string) => Promise<Bench[]> | Bench[]

export interface Measured {
  name: string
  bare: string
  unit: Bench['unit']
  turns: number
  /** Units a second of wall time. */
  rate: number
  bareRate: number
  /** How many times as long as the bare work ours takes: medians over the turns. */
  wallRatio: number
  cpuRatio: number
}

interface Turn {
  wallMs: number
  cpuMs: number
}

export async function measure(bench: Bench): Promise<Measured> {
  const { name, bare, unit, amount } = bench
  const turns: { ours: Turn; reference: Turn }[] = []
  try {
    // The first turn compiles and fills caches, and does not count.
    await inTurn(bench)
    for (let spentMs = 0; isWorthwhile(turns.length, spentMs);) {
      const turn = await inTurn(bench, turns.length % 2 === 1)
      turns.push(turn)
      spentMs += turn.ours.wallMs + turn.reference.wallMs
    }
  } finally {
    await bench.close?.()
  }
  const of = (pick: (turn: (typeof turns)[number]) => number): number => median(turns.map(pick))
  return {
    ...{ name, bare, unit, turns: turns.length },
    rate: (amount * 1000) / of(({ ours }) => ours.wallMs),
    bareRate: (amount * 1000) / of(({ reference }) => reference.wallMs),
    wallRatio: of(({ ours, reference }) => ours.wallMs / reference.wallMs),
    cpuRatio: of(({ ours, reference }) => ours.cpuMs / reference.cpuMs)
  }
}

function isWorthwhile(turns: number, spentMs: number): boolean {
  return turns < TURNS_MIN || (turns < TURNS_MAX && spentMs < TURNS_MS)
}

/** Who goes first takes turns too. */
async function inTurn(bench: Bench, bareFirst = false): Promise<{ ours: Turn; reference: Turn }> {
  await bench.prepare?.()
  const first = bareFirst ? await timeOf(bench.reference) : undefined
  const ours = await timeOf(bench.ours)
  return { ours, reference: first ?? (await timeOf(bench.reference)) }
}

async function timeOf(work: () => Promise<unknown> | void): Promise<Turn> {
  const before = process.cpuUsage()
  const startedMs = performance.now()
  await work()
  const wallMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(before)
  // Never nothing: the clock of the processor is coarse.
  return { wallMs, cpuMs: Math.max((user + system) / 1000, 0.001) }
}
