import test from 'ava'
import fc from 'fast-check'
import { DEFAULT_PORT, parseAddress, placeText, readAddress } from '../../../node/net/address.ts'
import { Malformed } from '../../../store/errors.ts'
import { peerIdText } from '../../../store/peer.ts'

const id = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

const legal: [text: string, multiaddr: string][] = [
  ['192.168.1.5', `/ip4/192.168.1.5/tcp/${DEFAULT_PORT}`],
  ['192.168.1.5:80', '/ip4/192.168.1.5/tcp/80'],
  ['nas', `/dns/nas/tcp/${DEFAULT_PORT}`],
  ['nas.office.example:1', '/dns/nas.office.example/tcp/1'],
  ['fd00::7', `/ip6/fd00::7/tcp/${DEFAULT_PORT}`],
  ['[fd00::7]', `/ip6/fd00::7/tcp/${DEFAULT_PORT}`],
  ['[::1]:9', '/ip6/::1/tcp/9'],
  ['[0:0::0]:9', '/ip6/::/tcp/9'],
  ['/ip4/1.2.3.4/tcp/5', '/ip4/1.2.3.4/tcp/5'],
  [`/dns4/nas.lan/tcp/5/p2p/${id}`, '/dns/nas.lan/tcp/5']
]

for (const [text, multiaddr] of legal) {
  test(`${text} is an address`, (t) => {
    t.is(placeText(parseAddress(text)), multiaddr)
  })
}

test('an address may say whom to find there', (t) => {
  t.is(peerIdText(parseAddress(`/ip4/1.2.3.4/tcp/5/p2p/${id}`).peer!), id)
  t.is(parseAddress('/ip4/1.2.3.4/tcp/5').peer, undefined)
})

for (const text of [
  '',
  ':80',
  'a b',
  'nas:',
  'nas:65536',
  '1.2.3',
  '1.2.3.4.5',
  '300.1.1.1',
  'fe80::1%eth0',
  '[1.2.3.4]:5',
  '[::1',
  '/ip4/1.2.3.4',
  '/ip4/1.2.3.4/udp/5',
  '/ip4/1.2.3.4/tcp/70000',
  '/ip4/1.2.3.4/tcp/5/ws',
  '/ip4/1.2.3.4/tcp/5/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  `/ip4/1.2.3.4/tcp/5/p2p/${id}/p2p-circuit`,
  `/dnsaddr/evil.example/tcp/5`,
  '/unix/tmp/x',
  'x'.repeat(401)
]) {
  test(`${JSON.stringify(text.slice(0, 60))} is no address`, (t) => {
    t.throws(() => parseAddress(text), { instanceOf: Malformed })
  })
}

test('whatever the text, it is an address that reads back as itself, or Malformed', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((each) => `/ip4/${each}`),
    fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([host, port]) => `[${host}]:${port}`),
    fc.tuple(fc.ipV4Extended(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`)
  )
  fc.assert(
    fc.property(text, (each) => {
      const place = readAddress(each)
      if (place === undefined) {
        t.throws(() => parseAddress(each), { instanceOf: Malformed })
        return true
      }
      const { host, port } = parseAddress(placeText(place))
      return host === place.host && port === place.port
    }),
    { numRuns: 500 }
  )
  t.pass()
})
