// Faults of disks and trees: calls that fail, a disk that is slow or full, bits that flip at rest, a
// directory that cannot be listed.

import { showPath } from '../../node/tree/path.ts'
import { stateOf } from '../model/tree-state.ts'
import { ROOT } from '../office/set-up.ts'
import type { DiskError, DiskOperation, Range } from '../scenario/scenario.ts'
import { drawn, type Deed, type Passing } from './scene.ts'

interface DiskErrorFault extends Passing {
  error: DiskError
  calls: Range
  /** undefined: whichever comes. */
  operation: DiskOperation | undefined
}

export const diskError: Deed<DiskErrorFault> = async (fault, computer, scene) => {
  const { error, operation, forMs } = fault
  const calls = drawn(fault.calls, scene.random)
  const what = operation === undefined ? 'calls' : `calls to ${operation}`
  scene.timeline.add('fault', computer.name, `its disk fails ${calls} ${what} (${error})`)
  computer.disk.failNext({ error, calls, operation })
  await scene.pass(forMs)
  computer.disk.failNext(undefined)
  // A store that met the failure wants it.
  if (computer.life === undefined) return
  scene.timeline.add('back', computer.name, 'its disk is mended, and it starts again')
  await scene.restart(computer)
}

export const slowDisk: Deed<{ latencyMs: number } & Passing> = async (
  { latencyMs, forMs },
  { name, disk },
  scene
) => {
  scene.timeline.add('fault', name, `its disk takes ${latencyMs} ms for each call`)
  disk.latencyMs = latencyMs
  await scene.pass(forMs)
  disk.latencyMs = 0
  scene.timeline.add('back', name, 'its disk is fast again')
}

export const full: Deed<Passing> = async ({ forMs }, computer, scene) => {
  const { disk, name } = computer
  scene.timeline.add('fault', name, 'its disk is full')
  disk.capacity = 0
  await scene.pass(forMs)
  disk.capacity = scene.peerOf(computer).diskBytes ?? Number.MAX_SAFE_INTEGER
  scene.timeline.add('back', name, 'its disk has room again')
}

/** Bits flip; some hours later somebody has everything checked. */
export const rot: Deed<{ bits: number }> = async ({ bits }, computer, scene) => {
  const { disk, name } = computer
  scene.damaged.add(name)
  for (let n = 0; n < bits; n++) {
    const where = disk.rot(scene.random)
    scene.timeline.add('fault', name, `a bit flips in ${where?.path ?? 'nothing'}`)
  }
}

export const unreadable: Deed<Passing> = async ({ forMs }, computer, scene) => {
  if (computer.endpoint === undefined) return
  const tree = computer.tree(ROOT)
  const directories = [...stateOf(tree)].filter(
    ([path, { type }]) => path !== '' && type === 'directory'
  )
  if (directories.length === 0) return
  const [path] = scene.random.pick(directories)
  const bytes = Buffer.from(path, 'latin1')
  scene.timeline.add('fault', computer.name, `cannot list ${showPath(bytes)}`)
  const allow = tree.refuse(bytes)
  await scene.pass(forMs)
  allow()
  scene.timeline.add('back', computer.name, 'can list all its directories again')
}
