// The tracker on a real disk: a program that does to a folder what programs do, and after each backup a walk
// of its own that reads every file. What it heard, it heard from the kernel.

import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { plainSink } from '../../store/sink.ts'
import { systemClock, type Clock } from '../../store/clock.ts'
import { toHex } from '../../store/block.ts'
import { archive } from '../../node/archiver.ts'
import { Tracker } from '../../node/tracker.ts'
import { openTree } from '../../node/tree/real-tree.ts'
import { SeededRandom } from '../../sim/random.ts'
import { MemoryBlocks, Scene } from './_scene.ts'

const SEQUENCES = Number(process.env['DRYSTONE_REAL_SEQUENCES'] ?? 60)
const PER_FOLDER = 10
/** Longer than a kernel's tick: then a file that changed has another time. */
const TICK_MS = 15
const AHEAD_MS = 120_000

/** Stores one byte through memory: `path`, then closes the file or keeps it mapped. */
const STORES = `
import mmap, os, sys
kept = []
for line in sys.stdin.buffer:
    how, path = line.rstrip(b'\\n').split(b' ', 1)
    f = open(path, 'r+b')
    m = mmap.mmap(f.fileno(), 0)
    m[0] = (m[0] + 1) % 256
    if how == b'keep': kept.append((m, f))
    else: m.close(); f.close()
    sys.stdout.write('done\\n'); sys.stdout.flush()
`
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stdout.write('# python3 is missing: stores through memory are not tried\n')

class Folder {
  readonly root: string
  readonly random: SeededRandom
  readonly log: string[] = []
  #names = 0

  constructor(root: string, seed: string) {
    this.root = root
    this.random = new SeededRandom(seed)
    for (const path of ['a/b/c', 'a/d', 'e', 'f/g/h'])
      mkdirSync(join(root, path), { recursive: true })
    for (let i = 0; i < 20; i++) writeFileSync(this.#fresh(), this.#content())
  }

  /** Every path, or those of a type, as bytes. */
  #all(wanted: 'file' | 'directory'): Buffer[] {
    const found: Buffer[] = wanted === 'directory' ? [Buffer.from(this.root)] : []
    const pending = [Buffer.from(this.root)]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const name of readdirSync(at, { encoding: 'buffer' }).sort((a, b) => a.compare(b))) {
        const path = Buffer.concat([at, Buffer.from('/'), name])
        const stat = lstatSync(path)
        if (stat.isDirectory()) pending.push(path)
        if (wanted === 'directory' ? stat.isDirectory() : stat.isFile()) found.push(path)
      }
    }
    return found
  }

  #content(): string {
    return 'x'.repeat(1 + this.random.below(3000)) + this.random.below(1e6)
  }

  #fresh(): Buffer {
    const name = this.random.pick([
      Buffer.from(`n${this.#names++}`),
      Buffer.from(`nämé ${this.#names++}`),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`${this.#names++}`)])
    ])
    return Buffer.concat([this.random.pick(this.#all('directory')), Buffer.from('/'), name])
  }

  #file(): Buffer {
    const files = this.#all('file')
    if (files.length > 0) return this.random.pick(files)
    const path = this.#fresh()
    writeFileSync(path, this.#content())
    return path
  }

  /** A directory, but not the root. */
  #directory(): Buffer {
    const below = this.#all('directory').slice(1)
    if (below.length > 0) return this.random.pick(below)
    const path = this.#fresh()
    mkdirSync(path)
    return path
  }

  /** Changes something. */
  edit(): void {
    const edits: Record<string, () => void> = {
      write: () => writeFileSync(this.#fresh(), this.#content()),
      overwrite: () => writeFileSync(this.#file(), this.#content()),
      append: () => appendFileSync(this.#file(), 'more'),
      truncate: () => truncateSync(this.#file(), this.random.below(40)),
      'rename over': () => renameSync(this.#file(), this.#file()),
      link: () => linkSync(this.#file(), this.#fresh()),
      chmod: () => chmodSync(this.#file(), this.random.pick([0o600, 0o644, 0o755] as const)),
      'chmod directory': () =>
        chmodSync(this.#directory(), this.random.pick([0o700, 0o755] as const)),
      'edit that keeps the time': () => this.#editQuietly(),
      remove: () => rmSync(this.#file()),
      'remove directory': () => rmSync(this.#directory(), { recursive: true }),
      'make directory': () => mkdirSync(this.#fresh()),
      symlink: () => symlinkSync(`to ${this.random.below(100)}`, this.#fresh()),
      move: () => this.#move(),
      swap: () => this.#swap()
    }
    const [what, change] = this.random.pick(Object.entries(edits))
    this.log.push(what)
    change()
  }

  #editQuietly(): void {
    const path = this.#file()
    const { atime, mtime, size } = lstatSync(path)
    writeFileSync(path, 'y'.repeat(size))
    utimesSync(path, atime, mtime)
  }

  #move(): void {
    const from = this.#directory()
    const to = this.#fresh()
    if (to.subarray(0, from.length + 1).equals(Buffer.concat([from, Buffer.from('/')]))) return
    renameSync(from, to)
  }

  #swap(): void {
    const [one, other] = [this.#directory(), this.#directory()]
    const third = join(this.root, 'third')
    const within = (a: Buffer, b: Buffer): boolean => a.subarray(0, b.length).equals(b)
    if (within(one, other) || within(other, one)) return
    renameSync(one, third)
    renameSync(other, one)
    renameSync(third, other)
  }

  async storeThroughMemory(program: ChildProcess): Promise<void> {
    const path = this.#file()
    if (lstatSync(path).size === 0) return
    const how = this.random.chance(0.3) ? 'keep' : 'close'
    this.log.push(`store through memory, ${how}`)
    program.stdin?.write(Buffer.concat([Buffer.from(`${how} `), path, Buffer.from('\n')]))
    if (program.stdout !== null) await once(program.stdout, 'data')
  }
}

async function live(t: ExecutionContext, seed: string): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'drystone-tracked-'))
  const program = hasPython ? spawn('python3', ['-uc', STORES], { stdio: 'pipe' }) : undefined
  const folder = new Folder(root, seed)
  const scene = await Scene.open()
  const tree = await openTree(root, { owners: true })
  const tracker = new Tracker(systemClock)
  tracker.start()
  let tracked = 0
  try {
    for (let i = 0; i < PER_FOLDER; i++) {
      for (let edits = folder.random.below(8); edits > 0; edits--) folder.edit()
      if (program && folder.random.chance(0.3)) await folder.storeThroughMemory(program)
      // By a clock that is ahead, files seem to have been calm for long, and get their witnesses at once.
      const isAhead = folder.random.chance(0.5)
      if (isAhead) await systemClock.sleep(TICK_MS)
      const clock: Clock = { ...systemClock, now: () => Date.now() + (isAhead ? AHEAD_MS : 0) }
      const asked = { tree, previous: scene.previous?.root, base: undefined }
      const [look, shot] = await tracker.look(asked, (attention) =>
        scene.shoot({ tree, clock, attention })
      )
      tracker.settle(look, { previous: shot.root, base: undefined })
      folder.log.push(`backup: ${look.mode}, ${look.why}`)
      tracked += look.mode === 'tracked' ? 1 : 0
      const sense = { owners: true }
      const truth = await archive({ tree, clock, sink: plainSink(new MemoryBlocks()), sense })
      t.is(toHex(shot.digest), toHex(truth.digest), `${seed}\n${folder.log.slice(-30).join('\n')}`)
    }
    return tracked
  } finally {
    program?.kill()
    tracker.stop()
    tree.close()
    await rm(root, { recursive: true })
  }
}

const onLinux = process.platform === 'linux' && existsSync('/proc/self/fd') ? test : test.skip

onLinux(`no change is missed in ${SEQUENCES} sequences on a real disk`, async (t) => {
  t.timeout(60 * 60_000)
  let tracked = 0
  for (let seed = 1; seed * PER_FOLDER <= SEQUENCES; seed++) tracked += await live(t, `${seed}`)
  t.true(tracked > SEQUENCES / 2, `only ${tracked} of ${SEQUENCES} backups were tracked`)
})
