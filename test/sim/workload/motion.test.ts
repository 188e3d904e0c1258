// The scan against people: whatever they do between backups and during one, with clocks that jump, what comes
// back is at each path what was there at some moment of the backup; or the path was named as skipped. Judged
// by the model, which shares no code with the node.

import test, { type ExecutionContext } from 'ava'
import type { Clock } from '../../../store/clock.ts'
import { restore } from '../../../node/restorer.ts'
import { Tracker } from '../../../node/tracker.ts'
import { isWithin, pathOf, ROOT, showPath } from '../../../node/tree/path.ts'
import type { Tree } from '../../../node/tree/tree.ts'
import { SkewedClock } from '../../../sim/clock.ts'
import { stateOf, type TreeState } from '../../../sim/model/tree-state.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { MemoryTree } from '../../../sim/tree/tree.ts'
import { edit } from '../../../sim/workload/edit.ts'
import { furnish } from '../../../sim/workload/furnish.ts'
import { Scene, type Shot } from '../../node/_scene.ts'
import { textOf } from './_texts.ts'

const ACCESS = { owners: true, privileges: true }
const ROUNDS = 8
const HOUR_MS = 3_600_000

class Office {
  readonly scene: Scene
  readonly wall: SkewedClock
  readonly tree: MemoryTree
  readonly random: SeededRandom
  readonly tracker: Tracker
  /** What was done, for the message of a failure. */
  readonly log: string[] = []

  constructor(scene: Scene, seed: string) {
    this.scene = scene
    this.random = new SeededRandom(seed)
    this.wall = new SkewedClock(scene.clock)
    this.tree = new MemoryTree(this.wall, ACCESS)
    this.tracker = new Tracker(scene.clock)
    this.tracker.start()
    furnish(this.tree, { random: this.random.fork('files'), files: 24, bytes: 2.5 * 1024 * 1024 })
  }

  change(): void {
    this.log.push(`${this.wall.now()} ${edit(this.tree, this.random, this.wall)}`)
  }

  /** Time passes: none, a tick, nearly a minute or more; and now and then a clock is set. */
  async pass(): Promise<void> {
    const { random, scene } = this
    const ms = random.pick([0, 0, 1, 40, 59_000, 61_000, 200_000] as const)
    await scene.clock.run(scene.clock.sleep(ms))
    if (!random.chance(0.15)) return
    const byMs = random.pick([-HOUR_MS, HOUR_MS, -90_000, 70_000] as const)
    this.wall.jump(byMs)
    this.log.push(`the clock is set by ${byMs} ms`)
  }

  async backUp(work: () => void): Promise<Shot> {
    const { scene, wall } = this
    const clock: Clock = {
      now: () => wall.now(),
      monotonic: () => scene.clock.monotonic(),
      sleep: (ms, options) => scene.clock.sleep(ms, options),
      timeout: (ms) => scene.clock.timeout(ms)
    }
    const tree = busy(this.tree, work)
    const asked = { tree, previous: scene.previous?.root, base: undefined }
    const [look, shot] = await this.tracker.look(asked, (attention) =>
      scene.shoot({ tree, clock, attention })
    )
    this.tracker.settle(look, { previous: shot.root, base: undefined })
    return shot
  }

  async restored(shot: Shot): Promise<TreeState> {
    const { reader, clock } = this.scene
    const target = new MemoryTree(clock, ACCESS)
    const pieces = [{ entry: await reader.top(shot.root), from: ROOT, to: ROOT }]
    await restore({ reader, pieces, target })
    return stateOf(target)
  }
}

/** The tree, with somebody at work after each call. */
function busy(tree: MemoryTree, work: () => void): Tree {
  const after = async <T>(call: Promise<T>): Promise<T> => {
    const result = await call
    work()
    return result
  }
  return {
    where: tree.where,
    stat: (path) => after(tree.stat(path)),
    list: (path) => after(tree.list(path)),
    readLink: (path) => after(tree.readLink(path)),
    xattrs: (path) => after(tree.xattrs(path)),
    watch: () => tree.watch(),
    writer: () => tree.writer(),
    open: async (path, expected) => {
      const file = await after(tree.open(path, expected))
      return {
        stat: () => after(file.stat()),
        read: (length) => after(file.read(length)),
        close: () => file.close()
      }
    }
  }
}

/** Paths at which there is something that never was there. */
function strange(found: TreeState, seen: readonly TreeState[], { skipped }: Shot): string[] {
  const named = skipped.map(({ path }) => pathOf(path))
  const paths = new Set([...found.keys(), ...seen.flatMap((state) => [...state.keys()])])
  // Which names are linked is of all paths at once: nobody sees them all at one moment.
  const textAt = (state: TreeState, path: string): string => {
    const entry = state.get(path)
    return textOf(entry && { ...entry, linkGroup: '' })
  }
  return [...paths].filter((path) => {
    const shown = pathOf(showPath(Buffer.from(path, 'latin1')))
    if (named.some((above) => isWithin(shown, above))) return false
    return !seen.some((state) => textAt(state, path) === textAt(found, path))
  })
}

async function tryOut(t: ExecutionContext, seed: string, isBusy: boolean): Promise<void> {
  const office = new Office(await Scene.open(), seed)
  const { random, tree, log } = office
  for (let round = 0; round < ROUNDS; round++) {
    for (let edits = random.below(6); edits > 0; edits--) {
      office.change()
      await office.pass()
    }
    const seen = [stateOf(tree)]
    const shot = await office.backUp(() => {
      if (!isBusy || !random.chance(0.02)) return
      office.change()
      seen.push(stateOf(tree))
    })
    const found = await office.restored(shot)
    log.push(`backup: ${JSON.stringify(shot.skipped)}`)
    t.deepEqual(strange(found, seen, shot), [], `${seed}\n${log.slice(-20).join('\n')}`)
    if (!isBusy) {
      t.deepEqual(shot.skipped, [])
      const groups = [found, ...seen].map((state) => {
        return Array.from(state, ([path, { linkGroup }]) => [path, linkGroup])
      })
      t.deepEqual(groups[0], groups[1])
    }
    await office.pass()
  }
}

for (let seed = 1; seed <= 3; seed++) {
  test(`no change is missed between backups (${seed})`, (t) => tryOut(t, `still ${seed}`, false))
  test(`no mix is taken for what was there (${seed})`, (t) => tryOut(t, `busy ${seed}`, true))
}
