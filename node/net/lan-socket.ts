// One multicast socket, tied to one interface. It sends by that interface or not at all: if the system
// does not let us choose, nothing is sent, since the default route may lead anywhere.

import { createSocket, type RemoteInfo } from 'node:dgram'
import multicastDns from 'multicast-dns'
import { type Answer, type Packet, question } from './records.ts'

export type Listener = (
  packet: Packet & { type?: string | undefined },
  from: Pick<RemoteInfo, 'address' | 'size'>
) => void

export class LanSocket {
  readonly #dns: multicastDns.MulticastDNS
  #failed = false
  #closed = false

  private constructor(dns: multicastDns.MulticastDNS) {
    this.#dns = dns
    // What it could not bind is an error, what it could not send a warning. Neither ends the peer: an
    // interface that has just lost its link or its address is an ordinary thing.
    dns.on('error', () => (this.#failed = true))
    dns.on('warning', () => undefined)
  }

  /** Opens the socket of the interface that has the IPv4 address `ip`; undefined if that is not possible. */
  static async open(ip: string): Promise<LanSocket | undefined> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const bound = new Promise<boolean>((resolve) => {
      socket.once('listening', () => {
        try {
          socket.setMulticastInterface(ip)
          resolve(true)
        } catch {
          resolve(false)
        }
      })
      socket.once('error', () => resolve(false))
    })
    const dns = multicastDns({ socket, interface: ip, bind: '0.0.0.0' })
    const opened = new LanSocket(dns)
    if (await bound) return opened
    await opened.close()
    return undefined
  }

  /** True once the socket can no longer be used. */
  get failed(): boolean {
    return this.#failed
  }

  listen(listener: Listener): void {
    this.#dns.on('packet', (packet: Packet, from: RemoteInfo) => listener(packet, from))
  }

  async ask(tag: string): Promise<void> {
    if (this.#closed) return
    await new Promise<void>((resolve) => this.#dns.query(question(tag), () => resolve()))
  }

  async say(answers: Answer[]): Promise<void> {
    if (this.#closed) return
    await new Promise<void>((resolve) => {
      // The library passes the callback on, though its types leave that out.
      this.#dns.respond(answers, () => resolve())
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await new Promise<void>((resolve) => {
      try {
        this.#dns.destroy(() => resolve())
      } catch {
        // It never opened.
        resolve()
      }
    })
  }
}
