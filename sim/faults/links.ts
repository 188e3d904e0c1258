// Faults of the network: links that are cut, silent, one-way or slow, connections that break, computers
// that nobody reaches.

import type { Computer } from '../office/fleet.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Deed, LinkDeed, Passing, Scene } from './scene.ts'

interface SlowLink extends Passing {
  /** Bytes a second. */
  rate: number | undefined
  latencyMs: number | undefined
}

/** What is done to a link, and how it is undone. */
type Change = (network: Scene['fleet']['network'], one: PeerKey, other: PeerKey) => void

function severed(
  what: string,
  { sever, mend }: { sever: Change; mend: Change }
): LinkDeed<Passing> {
  return async ({ forMs }, [one, other], scene) => {
    const { network } = scene.fleet
    const ends = keysOf(one, other)
    if (ends === undefined) return
    const names = `${one.name} – ${other.name}`
    scene.timeline.add('fault', names, what)
    sever(network, ...ends)
    await scene.pass(forMs)
    mend(network, ...ends)
    scene.timeline.add('back', names, 'reach each other again')
  }
}

export const cut = severed('are cut off from each other', {
  sever: (network, one, other) => network.cut(one, other),
  mend: (network, one, other) => network.heal(one, other)
})

export const silence = severed('hear nothing of each other', {
  sever: (network, one, other) => {
    network.blackhole(one, other)
    network.blackhole(other, one)
  },
  mend: (network, one, other) => {
    network.clear(one, other)
    network.clear(other, one)
  }
})

export const oneway = severed('the first is not heard by the second', {
  sever: (network, one, other) => network.blackhole(one, other),
  mend: (network, one, other) => network.clear(one, other)
})

export const dropLink: LinkDeed = async (_, [one, other], scene) => {
  const ends = keysOf(one, other)
  if (ends === undefined) return
  scene.timeline.trace(`${one.name} – ${other.name}`, 'fault', 'their connection breaks')
  scene.fleet.network.drop(...ends)
}

export const slowLink: LinkDeed<SlowLink> = async (fault, [one, other], scene) => {
  const ends = keysOf(one, other)
  if (ends !== undefined) await slowed(fault, `${one.name} – ${other.name}`, { ends, scene })
}

export const slow: Deed<SlowLink> = async (fault, { name, peer }, scene) => {
  if (peer !== undefined) await slowed(fault, name, { ends: [peer, undefined], scene })
}

async function slowed(
  { rate, latencyMs, forMs }: SlowLink,
  names: string,
  { ends, scene }: { ends: [PeerKey, PeerKey | undefined]; scene: Scene }
): Promise<void> {
  const { network } = scene.fleet
  const how = [
    rate === undefined ? '' : `carries ${rate} bytes a second`,
    latencyMs === undefined ? '' : `takes ${latencyMs} ms more`
  ]
  scene.timeline.add('fault', names, `the line ${how.filter((each) => each !== '').join(' and ')}`)
  network.slow(...ends, {
    ...(rate !== undefined && { rate }),
    ...(latencyMs !== undefined && { latencyMs })
  })
  await scene.pass(forMs)
  network.slow(...ends, {})
  scene.timeline.add('back', names, 'the line is as fast as before')
}

export const drop: Deed = async (_, { name, peer }, scene) => {
  if (peer === undefined) return
  scene.timeline.add('fault', name, 'its connections break')
  scene.fleet.network.drop(peer)
}

export const isolate: Deed<Passing> = async ({ forMs }, { name, peer }, scene) => {
  if (peer === undefined) return
  scene.timeline.add('fault', name, 'reaches nobody')
  scene.fleet.network.isolate(peer)
  await scene.pass(forMs)
  scene.fleet.network.rejoin(peer)
  scene.timeline.add('back', name, 'reaches the others again')
}

function keysOf(one: Computer, other: Computer): [PeerKey, PeerKey] | undefined {
  if (one.peer === undefined || other.peer === undefined || one === other) return undefined
  return [one.peer, other.peer]
}
