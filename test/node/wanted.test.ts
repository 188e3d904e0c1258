// What a keeper may ask for while it is offered a head: what links lead to, and no end of it.

import test from 'ava'
import { hashOf, type Hash } from '../../store/block.ts'
import { seal, sealKeys } from '../../store/seal.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { Wanted } from '../../node/wanted.ts'

const KEYS = sealKeys(new Uint8Array(32).fill(1))
const LINKS = Array.from({ length: 5 }, (_, i) => new Uint8Array(32).fill(i))

function sealed(links: Hash[]): [Hash, StoredBlock] {
  const { cid, bytes } = seal(KEYS, 'page', Buffer.from('page'), links)
  return [hashOf(cid), { method: 0, plainLength: bytes.length, body: bytes }]
}

/** Questions until it is said to lie. */
function questionsOf(wanted: Wanted): number {
  for (let count = 0; count < 1000; count++) {
    try {
      wanted.ask()
    } catch (error) {
      if (error instanceof Error && error.name === 'PeerLied') return count
      throw error
    }
  }
  return Infinity
}

test('each link is good for a few questions, and there is an end', (t) => {
  const each = questionsOf(new Wanted('peer', { links: 1 }))
  t.true(each > 1 && each < 100)
  t.is(questionsOf(new Wanted('peer', { links: 3 })), 3 * each)
  t.is(questionsOf(new Wanted('peer', { links: 0 })), 0)
})

test('a block that is given adds its links once, however often it is given', (t) => {
  const each = questionsOf(new Wanted('peer', { links: 1 }))
  const wanted = new Wanted('peer', { links: 1 })
  for (let i = 0; i < 3; i++) wanted.give(...sealed(LINKS))
  wanted.give(...sealed([]))
  t.is(questionsOf(wanted), 6 * each)
})

test('a block without a seal leads to nothing', (t) => {
  const wanted = new Wanted('peer', { links: 0 })
  wanted.give(new Uint8Array(32), { method: 0, plainLength: 4, body: Buffer.from('page') })
  t.is(questionsOf(wanted), 0)
})
