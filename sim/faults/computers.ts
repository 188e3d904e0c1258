// Faults that befall a whole computer: its process dies or its power fails at some call, it stops, sleeps,
// is lost, is replaced, has its clock set, or begins to lie.

import { DrystoneError } from '../../store/errors.ts'
import { comeBack, restoreTo } from '../office/come-back.ts'
import { ROOT, memberRoles } from '../office/set-up.ts'
import type { Lie } from '../scenario/scenario.ts'
import type { Deed, MayPass, Passing } from './scene.ts'

/** A sudden end comes at one of so many next passages through a port, if they come in time. */
const PASSAGES = 400
const PASSAGES_WAIT_MS = 5_000
/** How soon somebody tries again to bring a blank computer back. */
const AGAIN_MS = 5 * 60_000
const HOUR_MS = 60 * 60_000

function endSuddenly(how: 'crash' | 'kill', what: string): Deed<Passing> {
  return async ({ forMs }, computer, scene) => {
    const { life } = computer
    if (life === undefined || computer.isAsleep) return
    const end = (): void => {
      if (computer.life !== life) return
      scene.timeline.add('fault', computer.name, what)
      computer[how]()
    }
    computer.afterPassages(1 + scene.random.below(PASSAGES), end)
    await scene.fleet.clock.sleep(PASSAGES_WAIT_MS)
    end()
    await scene.pass(forMs)
    await scene.start(computer)
  }
}

export const crash = endSuddenly('crash', 'loses power')
export const kill = endSuddenly('kill', 'is killed')

export const stop: Deed<Passing> = async ({ forMs }, computer, scene) => {
  if (computer.state !== 'up' || scene.isComingBack(computer)) return
  scene.timeline.add('fault', computer.name, 'stops')
  await scene.down(computer)
  await scene.pass(forMs)
  await scene.start(computer)
}

export const sleep: Deed<Passing> = async ({ forMs }, computer, scene) => {
  if (computer.state !== 'up') return
  scene.timeline.add('fault', computer.name, 'falls asleep')
  computer.sleep()
  await scene.pass(forMs)
  if (!computer.isAsleep) return
  computer.wake()
  scene.timeline.add('back', computer.name, 'wakes up')
}

export const destroy: Deed = async (_, computer, scene) => {
  scene.timeline.add('fault', computer.name, 'is lost for good')
  scene.lose(computer)
}

/** Lost; later a blank computer goes on with its endpoint, by the words, however often it is disturbed. */
export const replace: Deed<Passing> = async ({ forMs }, lost, scene) => {
  const { fleet, timeline, words } = scene
  const roles = memberRoles(scene.peerOf(lost))
  timeline.add('fault', lost.name, 'is lost, and will be replaced')
  const endpoint = scene.endpointOf(lost)
  scene.lose(lost)
  await scene.pass(forMs)
  const blank = scene.heirOf(lost, endpoint)
  while (scene.isComingBack(blank)) {
    try {
      const isBack = await blank.alive(async () => {
        await comeBack(blank, { words, replaces: endpoint, roles })
        if (endpoint !== undefined) await restoreTo(blank, ROOT, 'latest')
        return true
      })
      if (isBack === true) {
        timeline.add('back', blank.name, `takes the place of ${lost.name}`)
        return scene.succeed(blank)
      }
    } catch (error) {
      if (!(error instanceof DrystoneError)) throw error
      timeline.add('note', blank.name, `cannot come back yet: ${error.name}`)
      timeline.trace(blank.name, 'cannot come back yet', error.message)
      blank.kill()
    }
    await fleet.clock.sleep(AGAIN_MS)
  }
}

export const clock: Deed<{ byMs: number } & MayPass> = async (
  { byMs, forMs },
  { name, wall },
  scene
) => {
  const hours = (byMs / HOUR_MS).toFixed(1)
  scene.timeline.add('fault', name, `its clock is set by ${hours} hours`)
  wall.jump(byMs)
  if (forMs === undefined) return
  await scene.pass(forMs)
  wall.jump(-byMs)
  scene.timeline.add('back', name, 'its clock is set right')
}

export const drift: Deed<{ ppm: number } & MayPass> = async ({ ppm, forMs }, computer, scene) => {
  scene.timeline.add('fault', computer.name, `its clock gains ${ppm} ppm`)
  computer.wall.drift(ppm)
  if (forMs === undefined) return
  await scene.pass(forMs)
  computer.wall.drift(scene.peerOf(computer).driftPpm)
  scene.timeline.add('back', computer.name, 'its clock runs as before')
}

export const lie: Deed<{ lies: readonly Lie[] } & MayPass> = async (
  { lies, forMs },
  { name },
  scene
) => {
  const told = scene.lies.get(name) ?? new Set()
  scene.lies.set(name, told)
  scene.timeline.add('fault', name, `lies: ${lies.join(', ')}`)
  for (const each of lies) told.add(each)
  if (forMs === undefined) return
  await scene.pass(forMs)
  for (const each of lies) told.delete(each)
  scene.timeline.add('back', name, 'tells the truth')
}
