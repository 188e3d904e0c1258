// The network of a lying peer: the real one, but every conversation that this peer dials or answers goes
// over a wire that lies. Joining is left alone: who lies at the door never gets in to lie.

import { isBadRecord } from '../../store/signed.ts'
import type { PeerKey } from '../../store/peer.ts'
import { AUDIT_PROTOCOL } from '../../protocol/audit.ts'
import { BLOCKS_PROTOCOL } from '../../protocol/blocks.ts'
import { Channel, converse, type Message } from '../../protocol/framing.ts'
import { HEADS_PROTOCOL } from '../../protocol/heads.ts'
import { HELLO_PROTOCOL } from '../../protocol/hello.ts'
import type {
  Address,
  CallOptions,
  HandleOptions,
  Handler,
  Network,
  NetworkEvent,
  Sighting,
  Wire
} from '../../protocol/network.ts'
import { OFFER_PROTOCOL } from '../../protocol/offer.ts'
import { AuditTongue, BlockTongue } from './blocks.ts'
import { HeadsTongue, OfferTongue, askForEver, signUnseen } from './heads.ts'
import { HelloTongue } from './hello.ts'
import { Liar } from './liar.ts'
import type { LiarInit } from './lie.ts'
import { RepeatingTongue, type Heard } from './repeat.ts'
import { SlowWire } from './slow.ts'
import { LyingWire, type Tongue } from './wire.ts'

/** The network of the peer with `key`, which lies about what `lies` says at the moment. */
export function lyingNetwork(network: Network, init: LiarInit): Network {
  return new LyingNetwork(network, new Liar(init))
}

const TONGUES = new Map<string, (liar: Liar, peer: PeerKey) => Tongue>([
  [AUDIT_PROTOCOL, (liar) => new AuditTongue(liar)],
  [BLOCKS_PROTOCOL, (liar) => new BlockTongue(liar)],
  [HEADS_PROTOCOL, (liar) => new HeadsTongue(liar)],
  [HELLO_PROTOCOL, (liar) => new HelloTongue(liar)],
  [OFFER_PROTOCOL, (liar, peer) => new OfferTongue(liar, peer)]
])

class LyingNetwork implements Network {
  readonly self: PeerKey
  readonly #network: Network
  readonly #liar: Liar
  readonly #heard = new Map<string, Heard>()

  constructor(network: Network, liar: Liar) {
    this.self = network.self
    this.#network = network
    this.#liar = liar
  }

  handle(protocol: string, handler: Handler, options?: HandleOptions): void {
    const lying: Handler = async (wire) => {
      const liar = this.#liar
      const over = this.#over(wire, protocol)
      const isOffer = protocol === OFFER_PROTOCOL
      const isGreedy = isOffer && liar.tellsNow('endless-wants')
      if (!isGreedy && !(isOffer && liar.tells('false-receipts'))) return handler(over)
      const channel = new Channel({ wire: over, clock: liar.clock })
      await converse(channel, () => (isGreedy ? askForEver : signUnseen)(channel, liar))
    }
    this.#network.handle(protocol, lying, options)
  }

  async dial(peer: PeerKey, protocol: string, options?: CallOptions): Promise<Wire> {
    return this.#over(await this.#network.dial(peer, protocol, options), protocol)
  }

  addresses(): Address[] {
    return this.#network.addresses()
  }

  start(options?: CallOptions): Promise<void> {
    return this.#network.start(options)
  }

  stop(): Promise<void> {
    return this.#network.stop()
  }

  meet(address: Address, options?: CallOptions): Promise<PeerKey> {
    return this.#network.meet(address, options)
  }

  learn(sighting: Sighting): void {
    this.#network.learn(sighting)
  }

  connected(): PeerKey[] {
    return this.#network.connected()
  }

  hangUp(peer: PeerKey): Promise<void> {
    return this.#network.hangUp(peer)
  }

  watch(listener: (event: NetworkEvent) => void): () => void {
    return this.#network.watch(listener)
  }

  #over(wire: Wire, protocol: string): Wire {
    const tongue = TONGUES.get(protocol)?.(this.#liar, wire.peer)
    if (tongue === undefined) return wire
    const heard = this.#heard.get(protocol) ?? new Map<string, Message[]>()
    this.#heard.set(protocol, heard)
    const repeating = new RepeatingTongue(this.#liar, { tongue, heard })
    return new LyingWire(new SlowWire(wire, this.#liar), new CarefulTongue(repeating))
  }
}

/** Leaves alone what cannot be read: it came from another that lies. */
class CarefulTongue implements Tongue {
  readonly #tongue: Tongue

  constructor(tongue: Tongue) {
    this.#tongue = tongue
  }

  hear(message: Message): void {
    careful(() => this.#tongue.hear(message))
  }

  say(message: Message): Message[] {
    return careful(() => this.#tongue.say(message)) ?? [message]
  }
}

function careful<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!isBadRecord(error)) throw error
    return undefined
  }
}
