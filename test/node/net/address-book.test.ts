import { randomBytes } from 'node:crypto'
import test from 'ava'
import {
  AddressBook,
  ADDRESSES_MAX,
  STRANGERS_REMEMBERED_MAX
} from '../../../node/net/address-book.ts'
import { peerIdText } from '../../../store/peer.ts'
import { Members } from '../../_net/conformance.ts'

const newPeer = (): Uint8Array => new Uint8Array(randomBytes(32))

test('an address is kept in one form, with the peer it leads to', (t) => {
  const book = new AddressBook(new Members())
  const peer = newPeer()
  book.learn({ peer, addresses: ['10.1.2.3', '10.1.2.3:7823', 'nonsense here', '10.1.2.3:0'] })
  t.deepEqual(book.addressesOf(peer), [`/ip4/10.1.2.3/tcp/7823/p2p/${peerIdText(peer)}`])
  t.deepEqual(book.addressesOf(newPeer()), [])
})

test('an address that names another peer is not believed', (t) => {
  const book = new AddressBook(new Members())
  const [peer, other] = [newPeer(), newPeer()]
  book.learn({ peer, addresses: [`/ip4/10.1.2.3/tcp/1/p2p/${peerIdText(other)}`] })
  t.deepEqual(book.addressesOf(peer), [])
})

test('what has worked comes first, and stays however much is made up after it', (t) => {
  const book = new AddressBook(new Members())
  const peer = newPeer()
  book.found(peer, '10.0.0.1:7000')
  for (let i = 0; i < 50; i += 1) book.learn({ peer, addresses: [`10.0.1.${i}`] })
  const addresses = book.addressesOf(peer)
  t.is(addresses.length, ADDRESSES_MAX)
  t.is(addresses[0], `/ip4/10.0.0.1/tcp/7000/p2p/${peerIdText(peer)}`)
  // The rest are the latest.
  t.true(addresses.some((address) => address.includes('10.0.1.49')))
})

test('a flood of strangers pushes out strangers, and no member', (t) => {
  const members = new Members()
  const book = new AddressBook(members)
  const [member, first] = [newPeer(), newPeer()]
  members.add(member)
  book.learn({ peer: member, addresses: ['10.0.0.1'] })
  book.learn({ peer: first, addresses: ['10.0.0.2'] })
  let last = first
  for (let i = 0; i < STRANGERS_REMEMBERED_MAX + 10; i += 1) {
    last = newPeer()
    book.learn({ peer: last, addresses: ['10.0.0.3'] })
  }
  t.is(book.addressesOf(member).length, 1)
  t.is(book.addressesOf(last).length, 1)
  t.is(book.addressesOf(first).length, 0)
})
