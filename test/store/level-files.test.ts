// What one bit does to the files of Level, and what is only the end of an ordinary life. Every kind of file
// that Level writes is met: logs, tables, and the manifest.

import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openDisk } from '../../store/disk.ts'
import { openIndex } from '../../store/index.ts'
import { isIntact } from '../../store/level-files.ts'
import { SeededRandom } from '../../sim/random.ts'
import { temporary } from './_blocks.ts'

const random = new SeededRandom('level')

/** An index with tables, a manifest of several records, and a log of several blocks. */
async function makeIndex(t: ExecutionContext): Promise<string> {
  const location = join(await temporary(t), 'index')
  for (const run of [1, 2]) {
    const index = await openIndex({ location })
    const space = index.space('blocks')
    for (let batch = 0; batch < 2 * run; batch++) {
      await space.batch(
        Array.from({ length: 500 }, () => ({ key: random.bytes(33), value: random.bytes(50) }))
      )
    }
    await index.close()
  }
  return location
}

const PROVED = /\.log$|\.ldb$|^MANIFEST/

test('what Level leaves when it is closed is intact, and one bit anywhere is not', async (t) => {
  const location = await makeIndex(t)
  const disk = await openDisk(location)
  t.true(await isIntact(disk))
  const names = (await fs.readdir(location)).filter((name) => PROVED.test(name))
  for (const kind of ['.log', '.ldb', 'MANIFEST']) {
    const name = names.find((each) => each.includes(kind)) ?? t.fail(`no ${kind}`)
    const bytes = await fs.readFile(join(location, name))
    const places = Array.from({ length: 6 }, () => random.below(bytes.length))
    for (const at of new Set([0, 6, ...places])) {
      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << random.below(8)), at)
      await fs.writeFile(join(location, name), damaged)
      t.false(await isIntact(disk), `${name} at ${at} of ${bytes.length}`)
    }
    await fs.writeFile(join(location, name), bytes)
  }
  t.true(await isIntact(disk))
})

test('a log may end anywhere, as a crash leaves it; tables and manifests may not', async (t) => {
  const location = await makeIndex(t)
  const disk = await openDisk(location)
  for (const name of (await fs.readdir(location)).filter((each) => PROVED.test(each))) {
    const bytes = await fs.readFile(join(location, name))
    for (const length of [bytes.length - 1, Math.floor(bytes.length / 2), 3]) {
      await fs.writeFile(join(location, name), bytes.subarray(0, length))
      t.is(await isIntact(disk), name.endsWith('.log'), `${length} bytes of ${name}`)
    }
    await fs.writeFile(join(location, name), bytes)
  }
})

test('an index that has lost what tells its files apart is damaged, and none is not', async (t) => {
  const location = await makeIndex(t)
  await fs.rm(join(location, 'CURRENT'))
  t.false(await isIntact(await openDisk(location)))
  t.true(await isIntact(await openDisk(join(location, 'none'))))
})

test('an index with a damaged log or table is made anew, and says so', async (t) => {
  for (const kind of ['.log', '.ldb']) {
    const location = await makeIndex(t)
    const name = (await fs.readdir(location)).find((each) => each.endsWith(kind)) ?? t.fail()
    const bytes = await fs.readFile(join(location, name))
    bytes.writeUInt8(bytes.readUInt8(999) ^ 4, 999)
    await fs.writeFile(join(location, name), bytes)
    const index = await openIndex({ location })
    t.true(index.rebuilt, kind)
    t.is((await Array.fromAsync(index.space('blocks').range())).length, 0)
    await index.close()
    const again = await openIndex({ location })
    t.false(again.rebuilt)
    await again.close()
  }
})
