// @libp2p/mdns as a second source beside LanDiscovery: it uses the one interface that the default route
// chooses, which also reaches peers whose address is on another subnet than ours. It only asks and
// listens, since it would answer everybody without measure; answering is LanDiscovery's. And it is
// wrapped, because libp2p would remember whatever a bare one hears.

import { start, type Startable, stop } from '@libp2p/interface'
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns'
import { DEFAULT_INTERVAL_MS, SERVICE_TAG } from './discovery.ts'

/** A service for libp2p, which starts and stops it; `onPeer` gets ids and multiaddrs as heard. */
export function libraryDiscovery(
  onPeer: (id: string, addresses: string[]) => void
): (components: MulticastDNSComponents) => Startable {
  return (components) => {
    const init = { serviceTag: SERVICE_TAG, broadcast: false, interval: DEFAULT_INTERVAL_MS }
    const source = mdns(init)(components)
    source.addEventListener('peer', ({ detail }) => {
      onPeer(detail.id.toString(), detail.multiaddrs.map(String))
    })
    return { start: () => start(source), stop: () => stop(source) }
  }
}
