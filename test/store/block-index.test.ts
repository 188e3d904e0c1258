import test from 'ava'
import { BlockIndex } from '../../store/block-index.ts'
import { openIndex } from '../../store/index.ts'
import type { Placed } from '../../store/segment.ts'
import { all, textBlock } from './_blocks.ts'

function placed(number: number, segment: number, storedLength = 100): Placed {
  const location = { segment, offset: number * 1000, method: 0, storedLength } as const
  return { hash: textBlock(number).hash, location: { ...location, plainLength: storedLength } }
}

async function open() {
  const space = (await openIndex({ location: undefined })).space('blocks/base')
  return { space, index: await BlockIndex.open(space) }
}

test('of two records of one block the later place wins, in whatever order they are noted', async (t) => {
  const [first, second] = [placed(1, 1), placed(1, 2)]
  for (const order of [
    [first, second],
    [second, first]
  ]) {
    const { index } = await open()
    for (const each of order) await index.add(each.location.segment, { end: 1, size: 1 }, [each])
    t.deepEqual(await index.get(first.hash), second.location)
    t.deepEqual(index.usage, { blocks: 1, bytes: 100 })
    await index.forget(first)
    t.deepEqual(await index.get(first.hash), second.location)
    await index.forget(second)
    t.is(await index.get(first.hash), undefined)
    t.deepEqual(index.usage, { blocks: 0, bytes: 0 })
  }
})

test('noting blocks again changes nothing, and usage and reach outlive a reopening', async (t) => {
  const { space, index } = await open()
  const blocks = [placed(1, 1), placed(2, 1, 50)]
  await index.add(1, { end: 10, size: 0 }, blocks)
  await index.add(1, { end: 20, size: 30 }, [...blocks, ...blocks])
  const again = await BlockIndex.open(space)
  t.deepEqual(again.usage, { blocks: 2, bytes: 150 })
  t.deepEqual([...(await again.reaches())], [[1, { end: 20, size: 30 }]])
  await again.clear()
  t.deepEqual((await BlockIndex.open(space)).usage, { blocks: 0, bytes: 0 })
})

test('a byte changed in any value is noticed, and the value counts as absent', async (t) => {
  const { space, index } = await open()
  const block = placed(1, 1)
  await index.add(1, { end: 10, size: 10 }, [block])
  for (const [key, value] of await all(space.range())) {
    for (let at = 0; at < value.length; at++) {
      const changed = value.slice()
      changed[at] = changed[at]! ^ 4
      await space.put(key, changed)
      const again = await BlockIndex.open(space)
      const entries = await all(again.entries())
      const isKnown = entries[0]?.location !== undefined && (await again.reaches()).size === 1
      t.false(isKnown, `key ${key[0]}, byte ${at}`)
      // Opening may have cleared it all.
      await space.clear()
      await index.add(1, { end: 10, size: 10 }, [block])
    }
  }
})
