// The real commands on real interfaces, in network namespaces of the test's own: no default route, a default
// route that leads elsewhere, and a place that multicast does not reach.

import { mkdirSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { Lan, obstacle } from '../_e2e/lan.ts'
import { Office, type Fields } from '../_e2e/office.ts'

const why = obstacle()
const onLan = why === undefined ? test.serial : test.serial.skip
if (why !== undefined) console.warn(`skipped: the commands over real interfaces, as ${why}`)

const COMPUTERS = ['nas', 'attic', 'desk', 'cellar']
const lan = why === undefined ? new Lan(...COMPUTERS) : undefined
const office = new Office({ prefix: (name) => lan?.prefix(name) ?? [] })
test.after.always(async () => {
  await office.close()
  lan?.remove()
})

async function invite(role: string): Promise<string> {
  return String((await office.ok('nas', ['invite', '--role', role]))['code'])
}

onLan('without a default route a computer finds the mesh by mDNS', async (t) => {
  await office.ok('nas', ['setup', '--name', 'nas'])
  await office.up('nas')
  const joined = await office.ok('attic', ['join', await invite('storage'), '--name', 'attic'])
  t.is(joined['via'], 'nas')
  await office.up('attic')
})

onLan('so it does where the default route is on another interface', async (t) => {
  lan?.routeElsewhere('desk')
  mkdirSync(office.path('desk-root'))
  writeFileSync(office.path('desk-root', 'letter'), 'Dear all.\n')
  const flags = ['--name', 'desk', '--root', office.path('desk-root')]
  await office.ok('desk', ['join', await invite('endpoint'), ...flags])
  await office.up('desk')
  const done = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  t.deepEqual(done['copies'], ['attic', 'nas'])
  const { peers } = await office.ok('desk', ['peers'])
  t.is((peers as Fields[]).filter(({ online }) => online === true).length, 3)
})

onLan('where multicast does not pass, the failure says so, and --addr works', async (t) => {
  lan?.blockMulticast()
  const code = await invite('storage')
  const lost = await office.run('cellar', ['join', code, '--name', 'cellar'])
  t.deepEqual([lost.code, lost.error.name], [13, 'NoMemberFound'])
  t.regex(lost.error.next ?? '', /where multicast does not pass.*--addr/)
  const nas = lan?.addressOf('nas') ?? ''
  const joined = await office.ok('cellar', ['join', code, '--name', 'cellar', '--addr', nas])
  t.is(joined['via'], 'nas')
  await office.up('cellar')
  const { peers } = await office.ok('cellar', ['peers'])
  t.is((peers as Fields[]).length, 4)
  await office.peer('cellar').stop()
  await office.up('cellar')
  let online: unknown[] = []
  for (let tries = 0; tries < 40 && online.length < 4; tries++) {
    const now = (await office.ok('cellar', ['peers']))['peers'] as Fields[]
    online = now.filter((peer) => peer['online'] === true)
  }
  t.is(online.length, 4, 'the address is remembered, and the others are heard of from there')
})
