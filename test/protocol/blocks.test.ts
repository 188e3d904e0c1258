// Blocks, heads and audits: each side against one that does not keep to the rules.

import test from 'ava'
import { BASE_SCOPE, type Hash } from '../../store/block.ts'
import { auditProof, answerChallenge, challenge } from '../../protocol/audit.ts'
import { BlocksConsumer, provideBlocks, type BlocksProvider } from '../../protocol/blocks.ts'
import { converse, type Message } from '../../protocol/framing.ts'
import { answerHeads, askHeads, type KeptHead } from '../../protocol/heads.ts'
import { FRAME_BYTES_MAX, WANTED_MAX } from '../../protocol/limits.ts'
import { HEAD_BYTES_MAX } from '../../store/head.ts'
import { answerOffer, offerHead } from '../../protocol/offer.ts'
import { all, textBlock } from '../store/_blocks.ts'
import { keyOf } from '../store/_mesh.ts'
import { failureOf, pair } from './_pair.ts'

const SCOPE = 'ab'.repeat(16)
const BLOCK = textBlock(1)
const STORED = { method: 0 as const, plainLength: BLOCK.bytes.length, body: BLOCK.bytes }
const ABSENT = new Uint8Array(32)

function providing(asked: string[] = []): BlocksProvider {
  const isHere = (hash: Hash): boolean => Buffer.compare(hash, BLOCK.hash) === 0
  return {
    allows: (scope) => scope === SCOPE,
    has: async (_, hash) => isHere(hash),
    get: async (scope, hash) => {
      asked.push(scope)
      return isHere(hash) ? STORED : undefined
    }
  }
}

test('a provider answers every hash in order, as often as it is asked', async (t) => {
  const { one, other } = pair()
  const serving = provideBlocks(other, providing())
  const consumer = new BlocksConsumer(one)
  for (let round = 0; round < 3; round++) {
    const got = await all(consumer.get(SCOPE, [ABSENT, BLOCK.hash, ABSENT]))
    t.deepEqual(got, [undefined, STORED, undefined])
    t.deepEqual(await consumer.have(SCOPE, [BLOCK.hash, ABSENT]), [true, false])
  }
  await consumer.end()
  await serving
})

test('a scope that is not allowed is refused before anything is looked up', async (t) => {
  for (const scope of [BASE_SCOPE, 'cd'.repeat(16)]) {
    const { one, other } = pair()
    const asked: string[] = []
    const serving = provideBlocks(other, providing(asked))
    const getting = all(new BlocksConsumer(one).get(scope, [BLOCK.hash]))
    t.is((await failureOf(getting)).name, 'Refused')
    await serving
    t.deepEqual(asked, [])
  }
})

test('questions beyond the limits are malformed', async (t) => {
  const many = Array.from({ length: WANTED_MAX + 1 }, () => ABSENT)
  const scope = Buffer.from(SCOPE, 'hex')
  const questions: Message[] = [
    ['want', scope, many],
    ['want', scope, [new Uint8Array(31)]],
    ['want', new Uint8Array(15), []],
    ['want', 'base', []],
    ['delete', scope, [BLOCK.hash]]
  ]
  for (const question of questions) {
    const { one, other } = pair()
    const serving = failureOf(converse(other, (channel) => provideBlocks(channel, providing())))
    await one.send(question)
    t.is((await serving).name, 'Malformed', question[0])
  }
})

test('answers that cannot be right are malformed', async (t) => {
  const answers: Message[] = [
    ['block', 2, 5, new Uint8Array(5)],
    ['block', 0, -1, new Uint8Array(5)],
    ['block', 1, (1 << 20) + 1, new Uint8Array(5)],
    ['block', 0, 5, 'bytes'],
    ['have', new Uint8Array(1)]
  ]
  for (const answer of answers) {
    const { one, other } = pair()
    const getting = failureOf(all(new BlocksConsumer(one).get(SCOPE, [BLOCK.hash])))
    await other.receive()
    await other.send(answer)
    t.is((await getting).name, 'Malformed')
  }
  const { one, other } = pair()
  const having = failureOf(new BlocksConsumer(one).have(SCOPE, [BLOCK.hash, ABSENT]))
  await other.receive()
  await other.send(['have', new Uint8Array(1)])
  t.is((await having).name, 'Malformed')
})

test('an offer: the keeper asks for what it lacks, and ends with its receipt', async (t) => {
  const { one, other } = pair()
  const head = { mark: Buffer.from('mark'), body: Buffer.from('body') }
  const answering = answerOffer(other, async (offered, pull) => {
    t.deepEqual(offered, { mark: new Uint8Array(head.mark), body: new Uint8Array(head.body) })
    t.deepEqual(await all(pull(SCOPE, [BLOCK.hash, ABSENT])), [STORED, undefined])
    return Buffer.from('receipt')
  })
  const provide = async (_: string, hash: Hash) =>
    Buffer.compare(hash, BLOCK.hash) === 0 ? STORED : undefined
  t.is(Buffer.from(await offerHead(one, { head, provide })).toString(), 'receipt')
  await answering
})

test('a keeper that wants nothing, again and again, is malformed', async (t) => {
  const { one, other } = pair()
  const head = { mark: Buffer.from('mark'), body: Buffer.from('body') }
  const offering = failureOf(offerHead(one, { head, provide: async () => STORED }))
  await other.receive()
  await other.send(['want', Buffer.from(SCOPE, 'hex'), []])
  t.is((await offering).name, 'Malformed')
})

test('an offer that is not accepted is refused; one that is cut is not taken for refused', async (t) => {
  const head = { mark: Buffer.from('mark'), body: Buffer.from('body') }
  const provide = async () => undefined
  const refused = pair()
  const refusing = answerOffer(refused.other, async () => undefined)
  t.is((await failureOf(offerHead(refused.one, { head, provide }))).name, 'Refused')
  await refusing
  const cut = pair()
  const cutting = converse(cut.other, (channel) =>
    answerOffer(channel, async () => {
      throw new Error('the disk is full')
    })
  )
  const both = await Promise.all([
    failureOf(offerHead(cut.one, { head, provide })),
    failureOf(cutting)
  ])
  t.is(both[0].name, 'WireCut')
})

test('heads come with as many receipts as fit, however large they are', async (t) => {
  const receipts = Array.from({ length: 70 }, () => new Uint8Array(3000))
  const large = { mark: new Uint8Array(300), body: new Uint8Array(HEAD_BYTES_MAX - 100), receipts }
  const small = { mark: new Uint8Array(300), body: new Uint8Array(10), receipts }
  const { one, other } = pair({ frameBytesMax: FRAME_BYTES_MAX }, 8 << 20)
  const answering = answerHeads(other, async () => [large, small])
  const heads: KeptHead[] = await askHeads(one, new Uint8Array(16))
  await answering
  t.deepEqual(
    heads.map((head) => head.receipts.length),
    [1, 64]
  )
})

test('heads are refused without a reason', async (t) => {
  const { one, other } = pair()
  const answering = answerHeads(other, async () => undefined)
  t.is((await failureOf(askHeads(one, new Uint8Array(16)))).name, 'Refused')
  await answering
})

test('an audit is proved by the block, for this nonce and this pair only', async (t) => {
  const { one, other } = pair()
  const nonce = new Uint8Array(32).fill(3)
  // The wire's ends are keyed by the other side's name.
  const self = keyOf('other').public
  const answering = answerChallenge(other, {
    self,
    allows: () => true,
    get: async (_, hash) => (Buffer.compare(hash, BLOCK.hash) === 0 ? BLOCK.bytes : undefined)
  })
  const answers = await challenge(one, { nonce, scope: SCOPE, hashes: [BLOCK.hash, ABSENT] })
  await answering
  const parties = { auditor: keyOf('one').public, answerer: self }
  t.deepEqual(answers, [auditProof(nonce, parties, BLOCK.bytes), undefined])
  t.notDeepEqual(answers[0], auditProof(new Uint8Array(32), parties, BLOCK.bytes))
  t.notDeepEqual(answers[0], auditProof(nonce, { ...parties, auditor: self }, BLOCK.bytes))
})

test('an answer for more or fewer blocks than were asked is malformed', async (t) => {
  for (const answers of [[], [null, null], [new Uint8Array(31)], [0]]) {
    const { one, other } = pair()
    const asking = failureOf(
      challenge(one, { nonce: new Uint8Array(32), scope: SCOPE, hashes: [BLOCK.hash] })
    )
    await other.receive()
    await other.send(['answer', answers])
    t.is((await asking).name, 'Malformed')
  }
})
