// Placement: everybody ranks alike, and little moves when a peer comes or goes.

import test from 'ava'
import fc from 'fast-check'
import { sha256, toHex } from '../../store/block.ts'
import { rank, type Candidate } from '../../node/placement.ts'

const SITES = ['hq', 'lyon', 'oslo']

function candidates(count: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    peer: sha256(Buffer.from(`peer ${i}`)),
    site: SITES[i % 3] ?? 'hq'
  }))
}

const names = (ranked: readonly Candidate[]): string[] => ranked.map(({ peer }) => toHex(peer))

test('the ranking hangs on who there is, not on the order in which they are listed', (t) => {
  const anyOrder = fc.shuffledSubarray(candidates(9), { minLength: 1 })
  fc.assert(
    fc.property(anyOrder, fc.uint8Array({ minLength: 16, maxLength: 16 }), (all, subject) => {
      const again = [...all].reverse()
      t.deepEqual(names(rank(subject, all, 2)), names(rank(subject, again, 2)))
      t.is(rank(subject, all, 2).length, all.length)
    })
  )
})

test('when a peer goes, only what it kept moves', (t) => {
  const all = candidates(8)
  for (let i = 0; i < 200; i++) {
    const subject = sha256(Buffer.from(`endpoint ${i}`))
    const [gone] = all
    const before = names(rank(subject, all))
    const after = names(rank(subject, all.slice(1)))
    t.deepEqual(
      after,
      before.filter((name) => name !== toHex(gone?.peer ?? new Uint8Array()))
    )
  }
})

test('every peer gets its share', (t) => {
  const all = candidates(5)
  const share = new Map<string, number>()
  for (let i = 0; i < 1000; i++) {
    const [first] = names(rank(sha256(Buffer.from(`${i}`)), all))
    share.set(first ?? '', (share.get(first ?? '') ?? 0) + 1)
  }
  t.is(share.size, 5)
  for (const count of share.values()) t.true(count > 140 && count < 270, `${count} of 1000`)
})

test('the first are on as many sites as policy asks, as far as there are that many', (t) => {
  for (let i = 0; i < 50; i++) {
    const subject = sha256(Buffer.from(`${i}`))
    const sitesOf = (count: number, sites: number): number =>
      new Set(
        rank(subject, candidates(count), sites)
          .slice(0, sites)
          .map(({ site }) => site)
      ).size
    t.is(sitesOf(9, 2), 2)
    t.is(sitesOf(9, 3), 3)
    t.is(sitesOf(2, 3), 2)
  }
})
