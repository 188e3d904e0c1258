// A life: one run of a peer's process. Everything that the process does to the world goes through here: each
// call on a port is written into the trace, waits while the computer sleeps or its disk is slow, and may be
// the one at which the process dies. A dead process does nothing more: none of its calls ever returns, so
// its code stops where it stands, as it would on a real computer. Since a process that awaits always awaits
// a port in the end, it can be stopped at every await that somebody could tell from another.

import type { Handler, Network, NetworkEvent, Wire } from '../../protocol/network.ts'
import type { Clock, WaitOptions } from '../../store/clock.ts'
import type { Disk } from '../../store/disk.ts'
import type { Index, IndexSpace } from '../../store/index.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Tree } from '../../node/tree/tree.ts'
import type { TreeWatch } from '../../node/tree/watch.ts'
import type { SimClock, SkewedClock } from '../clock.ts'
import type { Trace } from '../trace.ts'

export interface LifeInit {
  name: string
  clock: SimClock
  /** What this computer takes for the time. */
  wall: SkewedClock
  trace: Trace
  /** What to call a peer in the trace. */
  nameOf: (peer: PeerKey) => string
  /** Milliseconds that a call on the disk takes. */
  diskMs: () => number
}

interface Fuse {
  /** Passages that are left. */
  left: number
  burn: () => void
}

interface Pause {
  over: Promise<void>
  end: () => void
}

interface Guarded {
  methods: readonly string[]
  /** Guards what some of them give. */
  giving?: Record<string, (given: unknown, ...args: unknown[]) => unknown>
  /** What the object is: a path, a peer. */
  about?: string
}

type Method = (...args: unknown[]) => unknown

const DISK = ['open', 'list', 'makeDirectory', 'rename', 'remove', 'syncDirectory', 'space']
const FILE = ['read', 'write', 'size', 'sync', 'close']
const TREE = ['stat', 'list', 'open', 'readLink', 'xattrs', 'watch', 'writer']
const TREE_FILE = ['stat', 'read', 'close']
const TREE_WRITER = [
  ...['makeDirectory', 'finishDirectory', 'createFile', 'setMetadata', 'symlink', 'hardLink'],
  ...['special', 'remove', 'rename', 'free', 'close']
]
const TREE_FILE_WRITER = ['write', 'skip', 'commit', 'discard']
const WIRE = ['read', 'write', 'end']
const NETWORK = ['dial', 'meet', 'start', 'stop', 'hangUp']
const INDEX_SPACE = ['put', 'batch', 'clear']

/** What never comes. */
const NEVER = new Promise<never>(() => {})

export class Life {
  readonly #init: LifeInit
  readonly #startedMs: number
  #isOver = false
  #fuses: Fuse[] = []
  #pause: Pause | undefined
  readonly over: Promise<void>
  readonly #end: () => void

  constructor(init: LifeInit) {
    this.#init = init
    this.#startedMs = init.clock.monotonic()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The process is dead. */
  end(): void {
    this.#isOver = true
    this.#fuses = []
    this.#end()
  }

  /** Calls `burn` at the n-th passage through a port from now: before a call, or after its effect. */
  lightFuse(passages: number, burn: () => void): void {
    this.#fuses.push({ left: passages, burn })
  }

  /** The computer sleeps: calls are made, and return, when it wakes. */
  freeze(): void {
    if (this.#pause !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#pause = { over: promise, end: resolve }
  }

  thaw(): void {
    this.#pause?.end()
    this.#pause = undefined
  }

  disk(disk: Disk): Disk {
    return this.#guard('disk', disk, {
      methods: DISK,
      giving: {
        open: (file, path) =>
          this.#guard('file', file as object, { methods: FILE, about: path as string })
      }
    })
  }

  tree(tree: Tree): Tree {
    const file = (given: unknown, methods: readonly string[]): object =>
      this.#guard('tree-file', given as object, { methods })
    return this.#guard('tree', tree, {
      methods: TREE,
      giving: {
        open: (given) => file(given, TREE_FILE),
        watch: (given) => this.#hearing(given as TreeWatch),
        writer: (writer) =>
          this.#guard('tree-writer', writer as object, {
            methods: TREE_WRITER,
            giving: { createFile: (given) => file(given, TREE_FILE_WRITER) }
          })
      }
    })
  }

  /** With the process goes what it heard. */
  #hearing(watch: TreeWatch): TreeWatch {
    void this.over.then(() => watch.close())
    return watch
  }

  index(index: Index): Index {
    return {
      rebuilt: index.rebuilt,
      space: (name): IndexSpace =>
        this.#guard('index', index.space(name), { methods: INDEX_SPACE, about: name }),
      close: () => index.close()
    }
  }

  network(network: Network): Network {
    const wireOf = (wire: unknown): Wire => this.#wire(wire as Wire)
    const guarded = this.#guard('network', network, {
      methods: NETWORK,
      giving: { dial: wireOf }
    })
    const own: Pick<Network, 'handle' | 'watch'> = {
      handle: (protocol, handler, options) => {
        const guardedHandler: Handler = async (wire) => {
          await this.#passage()
          await handler(this.#wire(wire))
        }
        network.handle(protocol, guardedHandler, options)
      },
      watch: (listener) => network.watch((event) => this.#hear(listener, event))
    }
    return replaced(guarded, own)
  }

  /** The clock of this process: the computer's time, and timers that stop with it. */
  clock(): Clock {
    const { clock, wall } = this.#init
    return {
      now: () => wall.now(),
      monotonic: () => clock.monotonic() - this.#startedMs,
      sleep: async (ms: number, options?: WaitOptions) => {
        await clock.sleep(ms, options)
        await this.#passage()
      },
      timeout: (ms) => {
        const controller = new AbortController()
        const expire = (): void => {
          controller.abort(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'))
        }
        const cancel = clock.after(ms, () => {
          const wait = this.#passage()
          if (wait === undefined) expire()
          else void wait.then(expire)
        })
        return { signal: controller.signal, cancel }
      }
    }
  }

  #wire(wire: Wire): Wire {
    return this.#guard('wire', wire, { methods: WIRE, about: this.#init.nameOf(wire.peer) })
  }

  #hear(listener: (event: NetworkEvent) => void, event: NetworkEvent): void {
    const wait = this.#passage()
    if (wait === undefined) listener(event)
    else void wait.then(() => listener(event))
  }

  /** The same object, with some of its methods led through here. */
  #guard<T extends object>(room: string, port: T, { methods, giving = {}, about }: Guarded): T {
    const own: Record<string, Method> = {}
    for (const name of methods) {
      const method: unknown = Reflect.get(port, name)
      if (typeof method !== 'function') continue
      const what = `${room}.${name}`
      own[name] = (...args) =>
        this.#call(what, about, args, async () => {
          const given: unknown = await (method as Method).apply(port, args)
          return giving[name]?.(given, ...args) ?? given
        })
    }
    return replaced(port, own as Partial<T>)
  }

  async #call(
    what: string,
    about: string | undefined,
    args: readonly unknown[],
    effect: () => Promise<unknown>
  ): Promise<unknown> {
    const { trace, name, clock, diskMs } = this.#init
    const wait = this.#passage()
    if (wait !== undefined) await wait
    const slowMs = what.startsWith('disk.') || what.startsWith('file.') ? diskMs() : 0
    if (slowMs > 0) await clock.sleep(slowMs)
    const facts = about === undefined ? args : [about, ...args]
    try {
      const given = await effect()
      if (!this.#isOver) trace.note(name, what, facts, given)
      return given
    } catch (error) {
      if (!this.#isOver) trace.note(name, what, facts, error)
      throw error
    } finally {
      const rest = this.#passage()
      if (rest !== undefined) await rest
    }
  }

  /** @returns true if one of them ended this life. */
  #burnFuses(): boolean {
    for (const fuse of this.#fuses) fuse.left--
    const due = this.#fuses.filter(({ left }) => left <= 0)
    this.#fuses = this.#fuses.filter(({ left }) => left > 0)
    for (const { burn } of due) burn()
    return this.#isOver
  }

  /** What to wait for at this point; undefined to go on at once. */
  #passage(): Promise<void> | undefined {
    if (this.#isOver) return NEVER
    if (this.#fuses.length > 0 && this.#burnFuses()) return NEVER
    return this.#pause?.over.then(() => this.#passage())
  }
}

/** `port` with other methods in the place of some; what is not named goes to the port itself. */
function replaced<T extends object>(port: T, own: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name) as unknown
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as Method).bind(target) : value
    }
  })
}
