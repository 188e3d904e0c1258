import test from 'ava'
import fc from 'fast-check'
import { Malformed } from '../../store/errors.ts'
import { parsePeerId, peerIdText } from '../../store/peer.ts'

test('a peer has the text that libp2p gives its key', (t) => {
  t.is(peerIdText(new Uint8Array(32)), '12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw')
})

test('any key reads back from its text', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      t.deepEqual(parsePeerId(peerIdText(key)), key)
    })
  )
})

test('text that is no peer id is refused, however long', (t) => {
  const good = peerIdText(new Uint8Array(32).fill(7))
  const refused = [
    '',
    good.slice(1),
    good.slice(0, -1),
    `${good}1`,
    `1${good}`,
    ` ${good}`,
    good.replace('1', '0'),
    good.toLowerCase(),
    'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR',
    'z'.repeat(1_000_000)
  ]
  for (const text of refused) t.throws(() => parsePeerId(text), { instanceOf: Malformed })
})
