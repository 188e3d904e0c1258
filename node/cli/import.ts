// `import`: takes in what a courier brought. This process reads the file; the peer says which blocks it
// lacks, proves each, and keeps the head only when all that the point reaches is durable.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Hash } from '../../store/block.ts'
import { writeOpening, type WrittenCarried } from '../control/carried.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { bytesText } from './output.ts'
import { ParcelReader } from './parcel-file.ts'
import type { Session } from './session.ts'

/** After so many bytes a portion is enough. */
const PORTION_BYTES = 16 << 20

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<file>', 'what `drystone export` wrote, on this mesh')
    .action(action(run))
}

async function run({ output, session, signal }: Context, _: object, file = ''): Promise<void> {
  const path = resolve(file)
  const reader = await ParcelReader.open(path)
  try {
    const peer = await session()
    const imported = await takeIn(peer, reader, {
      signal,
      onPortion: (bytes) => output.progress(`${bytesText(bytes)} read`, { bytes })
    })
    const { endpoint, point, since, blocks, bytes, points, pointsHere, isSigned } = imported
    output.line(`Restore point ${point} of ${endpoint} is here, with all it reaches:`)
    output.line(`${blocks} blocks were new, ${bytesText(bytes)}, of ${reader.blocks} in the file.`)
    if (pointsHere < points) {
      output.line(`Of ${points} points of ${endpoint}, ${pointsHere} can be restored from here.`)
    }
    if (isSigned) output.line('This peer signed that it keeps it: a copy, once both have met.')
    output.next(nextOf(endpoint, pointsHere === points))
    output.result({
      ...{ endpoint, point, blocks, bytes, points, pointsHere, signed: isSigned },
      ...{ fileBlocks: reader.blocks, ...(since !== undefined && { since }) }
    })
  } finally {
    await reader.close()
  }
}

function nextOf(endpoint: string, areAllHere: boolean): string {
  const look = `\`drystone points --endpoint ${endpoint} --recovery-file FILE\` lists its points`
  return areAllHere ? `${look}.` : `${look}; the others come by another file, or once both meet.`
}

async function takeIn(
  peer: Session,
  reader: ParcelReader,
  { signal, onPortion }: { signal: AbortSignal; onPortion: (bytes: number) => void }
) {
  const opened = await peer.call(
    'importOpen',
    { opening: writeOpening(reader.opening) },
    { signal }
  )
  const number = opened.import
  let bytes = 0
  try {
    for (let blocks: (WrittenCarried | null)[] = []; ;) {
      signal.throwIfAborted()
      const step = await peer.call('importGive', { import: number, blocks }, { signal })
      if (step.done !== undefined) return step.done
      blocks = await readPortion(reader, step.wants)
      for (const block of blocks) bytes += block?.[2].length ?? 0
      onPortion(bytes)
    }
  } finally {
    // What went wrong first is what the user must hear.
    await peer.call('importClose', { import: number }).catch(() => undefined)
  }
}

/** The first of the blocks that are wanted, in their order; at least one. */
async function readPortion(
  reader: ParcelReader,
  wants: readonly Hash[]
): Promise<(WrittenCarried | null)[]> {
  const blocks: (WrittenCarried | null)[] = []
  let bytes = 0
  for (const hash of wants) {
    if (bytes >= PORTION_BYTES) break
    const stored = await reader.get(hash)
    blocks.push(stored === undefined ? null : [stored.method, stored.plainLength, stored.body])
    bytes += stored?.body.length ?? 0
  }
  return blocks
}
