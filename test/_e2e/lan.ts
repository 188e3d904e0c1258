// A LAN of network namespaces, made by the test and joined by a bridge that lives in one of its own, so that
// nothing appears on this computer and nothing leaves it. Computer `n` has the address 10.78.0.n on `e0`.
// It takes root.

import { execFileSync } from 'node:child_process'

/** Why no namespaces can be made here; undefined if they can. */
export function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it takes root'
  const name = `drystone-see-${process.pid}`
  try {
    ip('netns', 'add', name)
    ip('netns', 'del', name)
    return undefined
  } catch (error) {
    return `ip netns does not work here: ${error instanceof Error ? error.message : String(error)}`
  }
}

export class Lan {
  readonly #id = `dl${process.pid % 100_000}`
  readonly #bridge = `${this.#id}b`
  readonly #names = new Map<string, string>()

  constructor(...computers: string[]) {
    ip('netns', 'add', this.#bridge)
    ip('-n', this.#bridge, 'link', 'add', 'lan', 'type', 'bridge', 'mcast_snooping', '0')
    ip('-n', this.#bridge, 'link', 'set', 'lan', 'up')
    for (const computer of computers) this.#join(computer)
  }

  /** What runs a command on a computer. */
  prefix(computer: string): string[] {
    return ['ip', 'netns', 'exec', this.#names.get(computer) ?? 'nowhere']
  }

  addressOf(computer: string): string {
    return `10.78.0.${[...this.#names.keys()].indexOf(computer) + 1}`
  }

  /** Another interface, which holds the default route and leads nowhere. */
  routeElsewhere(computer: string): void {
    const name = this.#names.get(computer) ?? 'nowhere'
    ip('-n', name, 'link', 'add', 'vpn', 'type', 'veth', 'peer', 'name', 'gateway')
    ip('-n', name, 'link', 'set', 'gateway', 'up')
    ip('-n', name, 'addr', 'add', '10.99.0.1/24', 'dev', 'vpn')
    ip('-n', name, 'link', 'set', 'vpn', 'up')
    ip('-n', name, 'route', 'add', 'default', 'dev', 'vpn')
  }

  /** From now on the bridge passes no multicast, as many a Wi-Fi does. */
  blockMulticast(): void {
    this.#names.values().forEach((_, i) => {
      const port = ['dev', `p${i + 1}`, 'type', 'bridge_slave']
      ip('-n', this.#bridge, 'link', 'set', ...port, 'mcast_flood', 'off')
    })
  }

  remove(): void {
    for (const name of [...this.#names.values(), this.#bridge]) {
      try {
        ip('netns', 'del', name)
      } catch {
        // It was never made.
      }
    }
  }

  #join(computer: string): void {
    const n = this.#names.size + 1
    const name = `${this.#id}n${n}`
    ip('netns', 'add', name)
    this.#names.set(computer, name)
    ip('-n', this.#bridge, 'link', 'add', `p${n}`, 'type', 'veth', 'peer', 'e0', 'netns', name)
    ip('-n', this.#bridge, 'link', 'set', `p${n}`, 'master', 'lan', 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'addr', 'add', `10.78.0.${n}/24`, 'dev', 'e0')
    ip('-n', name, 'link', 'set', 'e0', 'up')
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' })
}
