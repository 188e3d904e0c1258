import test from 'ava'
import { RAW, cidOf } from '../../store/block.ts'
import { BlockMissing } from '../../store/errors.ts'
import { demand, firstOf } from '../../store/source.ts'
import { MemoryBlocks, bytesOf } from './_states.ts'

test('sources are asked in turn until one has the block', async (t) => {
  const [a, b, c] = [new MemoryBlocks(), new MemoryBlocks(), new MemoryBlocks()]
  const bytes = bytesOf('content')
  const cid = cidOf(RAW, bytes)
  await b.put('base', cid, bytes)
  t.deepEqual(await firstOf(a, b, c).get(cid), bytes)
  t.deepEqual([a.asked.length, b.asked.length, c.asked.length], [1, 1, 0])
  t.is(await firstOf(a, c).get(cid), undefined)
  t.is(await firstOf().get(cid), undefined)
})

test('what is demanded is there, or named as missing with what to do', async (t) => {
  const store = new MemoryBlocks()
  const cid = cidOf(RAW, bytesOf('content'))
  const error = await t.throwsAsync(demand(store, cid), { instanceOf: BlockMissing })
  t.is(error.cid, cid.toString())
  t.truthy(error.next)
  await store.put('base', cid, bytesOf('content'))
  t.deepEqual(await demand(store, cid), bytesOf('content'))
})
