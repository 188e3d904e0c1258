// `export`: a restore point, or what it adds to another one, as one file for a courier.
// This process writes the file, with its own rights; the peer gives the blocks, sealed as they lie. The
// file gets its name once it is whole, durable and read back.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../../store/clock.ts'
import { readCarried, readOpening } from '../control/carried.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { pointOf } from './flags.ts'
import { bytesText } from './output.ts'
import { ParcelWriter } from './parcel-file.ts'
import { WrongUsage, type Session } from './session.ts'
import { wordsFrom } from './words.ts'

interface Flags {
  since?: string
  withoutBase?: boolean
  endpoint?: string
  recoveryFile?: string
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, ENDPOINT/NUMBER, or a time')
    .argument('<file>', 'the file to write; nothing may stand there yet')
    .option('--since <point>', 'only what this earlier point does not hold already')
    .option('--without-base', 'leave the base image out: who imports it must have that')
    .option('--endpoint <endpoint>', 'of another computer')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<Flags>(run))
}

async function run(
  { output, session, signal }: Context,
  flags: Flags,
  point = '',
  file = ''
): Promise<void> {
  const path = resolve(file)
  const args = await argsOf(flags, point)
  const peer = await session()
  const writer = await ParcelWriter.create(path)
  try {
    const opened = await peer.call('exportOpen', args, { signal })
    const { endpoint, since, time, digest, bases, inside } = opened
    const count = { blocks: 0, bytes: 0 }
    await writer.begin(readOpening(opened.opening))
    await addAll(peer, { number: opened.export, writer, count, signal }, () =>
      output.progress(
        `${count.blocks} of ${opened.blocks} blocks, ${bytesText(count.bytes)}`,
        count
      )
    )
    await writer.finish((bytes) => output.progress(`${bytesText(bytes)} read back`, { bytes }))
    const what = since === undefined ? '' : `, what is new since point ${since}`
    output.line(`Restore point ${opened.point} of ${endpoint}${what}:`)
    output.line(`${count.blocks} blocks, ${bytesText(writer.bytes)}, in ${path}.`)
    for (const base of bases) output.line(baseText(base, inside.includes(base), since))
    output.line('Private files are sealed in it, with their names: who finds it cannot read them.')
    if (inside.length > 0) output.line('A base is not sealed: who finds the file can read that.')
    output.next(`bring the file to a peer of this mesh, and run \`drystone import FILE\` there.`)
    output.result({
      ...{ endpoint, point: opened.point, time, digest, ...count, fileBytes: writer.bytes },
      ...{ file: path, bases, inside, ...(since !== undefined && { since }) }
    })
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

function baseText(base: string, isInside: boolean, since: number | undefined): string {
  if (isInside) return `The base ${base} is inside.`
  const why = since === undefined ? '' : `, or what point ${since} stands on`
  return `The base ${base} is NOT inside: who imports this must have it${why}.`
}

async function argsOf(flags: Flags, text: string) {
  const nowMs = systemClock.now()
  const point = pointOf(text, nowMs)
  const since = flags.since === undefined ? undefined : pointOf(flags.since, nowMs)
  const endpoint = flags.endpoint ?? point.endpoint
  if (since?.endpoint !== undefined && since.endpoint !== endpoint) {
    throw new WrongUsage(`--since is a point of ${since.endpoint}, and ${text} is not`, {
      next: 'Name two points of one endpoint.'
    })
  }
  const words = await wordsFrom(flags.recoveryFile)
  const withBase = flags.withoutBase !== true
  return { endpoint, words, which: point.which, since: since?.which, withBase }
}

async function addAll(
  peer: Session,
  {
    number,
    writer,
    count,
    signal
  }: {
    number: number
    writer: ParcelWriter
    count: { blocks: number; bytes: number }
    signal: AbortSignal
  },
  onPortion: () => void
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { blocks } = await peer.call('exportNext', { export: number }, { signal })
    if (blocks.length === 0) break
    for (const [hash, method, plainLength, body] of blocks) {
      await writer.add(hash, readCarried([method, plainLength, body]))
      count.blocks++
      count.bytes += body.length
    }
    onPortion()
  }
  await peer.call('exportClose', { export: number }, { signal })
}
