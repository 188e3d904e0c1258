// The tracker against people: sequences of changes of every kind with backups between them, some of which
// come to nothing, and a peer that dies now and then. After each backup the digest has to be that which the
// model reckons from the tree itself, without any code of the node.

import test, { type ExecutionContext } from 'ava'
import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import { Tracker } from '../../node/tracker.ts'
import { SkewedClock } from '../../sim/clock.ts'
import { digestOf } from '../../sim/model/digest.ts'
import { stateOf } from '../../sim/model/tree-state.ts'
import { SeededRandom } from '../../sim/random.ts'
import { MemoryTree } from '../../sim/tree/tree.ts'
import { edit } from '../../sim/workload/edit.ts'
import { furnish } from '../../sim/workload/furnish.ts'
import { Scene } from './_scene.ts'

const SEQUENCES = Number(process.env['DRYSTONE_SEQUENCES'] ?? 2000)
/** Each office lives through so many sequences. */
const PER_OFFICE = 20
const HOUR_MS = 3_600_000

interface Mapped {
  store: (content: string) => void
  close: () => void
}

class Office {
  readonly scene: Scene
  readonly wall: SkewedClock
  readonly tree: MemoryTree
  readonly random: SeededRandom
  readonly log: string[] = []
  readonly modes = { tracked: 0, scan: 0 }
  #tracker: Tracker
  #mapped: Mapped | undefined

  constructor(scene: Scene, seed: string) {
    this.scene = scene
    this.random = new SeededRandom(seed)
    this.wall = new SkewedClock(scene.clock)
    this.tree = new MemoryTree(this.wall, { owners: true, privileges: true })
    furnish(this.tree, { random: this.random.fork('files'), files: 24, bytes: 200_000 })
    this.#tracker = this.#start()
  }

  /** A peer that starts knows nothing of what was heard before. */
  #start(): Tracker {
    const tracker = new Tracker(this.scene.clock)
    tracker.start()
    return tracker
  }

  async sequence(): Promise<void> {
    const { random, log } = this
    for (let edits = random.below(8); edits > 0; edits--) {
      log.push(edit(this.tree, random, this.wall))
      if (random.chance(0.1)) this.#storeThroughMemory()
      await this.#pass()
    }
    if (random.chance(0.15)) {
      this.#tracker.stop()
      this.#tracker = this.#start()
      log.push('the peer died')
    }
  }

  #storeThroughMemory(): void {
    this.#mapped?.close()
    const files = [...this.tree.each()].filter(([, { type }]) => type === 'file')
    const [path] = this.random.pick(files)
    this.#mapped = this.tree.map(Buffer.from(path, 'latin1'))
    this.#mapped.store(`stored ${this.random.below(1000)}`)
    this.log.push(`${path} was stored to through memory`)
  }

  async #pass(): Promise<void> {
    const ms = this.random.pick([0, 0, 1, 40, 61_000] as const)
    await this.scene.clock.run(this.scene.clock.sleep(ms))
    if (!this.random.chance(0.05)) return
    const byMs = this.random.pick([-HOUR_MS, HOUR_MS] as const)
    this.wall.jump(byMs)
    this.log.push(`the clock is set by ${byMs} ms`)
  }

  /** The digest of a backup that may come to nothing. */
  async backUp(): Promise<string> {
    const { scene, wall, tree, random } = this
    const clock: Clock = {
      now: () => wall.now(),
      monotonic: () => scene.clock.monotonic(),
      sleep: (ms, options) => scene.clock.sleep(ms, options),
      timeout: (ms) => scene.clock.timeout(ms)
    }
    const before = scene.previous
    const asked = { tree, previous: before?.root, base: undefined }
    const [look, shot] = await this.#tracker.look(asked, (attention) =>
      scene.shoot({ tree, clock, attention })
    )
    this.modes[look.mode]++
    this.log.push(`backup: ${look.mode}, ${look.why}`)
    if (random.chance(0.1)) {
      this.#tracker.release(look)
      scene.previous = before
      // What no head names vouches for nothing.
      await scene.witnesses.clear()
      this.log.push('which came to nothing')
    } else this.#tracker.settle(look, { previous: shot.root, base: undefined })
    return toHex(shot.digest)
  }
}

async function live(
  t: ExecutionContext,
  seed: string,
  sequences: number
): Promise<Office['modes']> {
  const office = new Office(await Scene.open(), seed)
  for (let i = 0; i < sequences; i++) {
    await office.sequence()
    const digest = await office.backUp()
    t.is(digest, digestOf(stateOf(office.tree)), `${seed}\n${office.log.slice(-30).join('\n')}`)
  }
  return office.modes
}

test(`no change is missed in ${SEQUENCES} sequences of changes`, async (t) => {
  t.timeout(60 * 60_000)
  let [tracked, scans] = [0, 0]
  for (let seed = 1; seed * PER_OFFICE <= SEQUENCES; seed++) {
    const modes = await live(t, `office ${seed}`, PER_OFFICE)
    tracked += modes.tracked
    scans += modes.scan
  }
  t.true(tracked > scans, `of ${tracked + scans} backups only ${tracked} were tracked`)
})
