// What users get wrong, and what the world does to them: each is one clear failure with a name, its cause
// and what to do next, under the exit code that scripts rely on; never a stack trace, and nothing lost.

import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { LOCAL, Office, type Fields } from '../_e2e/office.ts'
import { makeTree } from '../_e2e/tree.ts'

const office = new Office()
const root = office.path('desk-root')
const fails = failsIn(office)
test.after.always(() => office.close())

test.before(async () => {
  await office.found('nas')
  makeTree(root, { bytes: 1 << 20 })
  await office.enter('desk', 'endpoint')
})

function words(name: string, text: string): string[] {
  writeFileSync(office.path(name), `${text}\n`)
  return ['--recovery-file', office.path(name)]
}

const NOWHERE = ['--no-mdns', '--addr', '127.0.0.1:9', ...LOCAL]

test.serial(
  'words that cannot be recovery words are refused before anybody is asked',
  async (t) => {
    const right = readFileSync(office.path('sheet'), 'utf8').match(/(?<=\. )[a-z]+/g) ?? []
    t.is(right.length, 24)
    const recover = (flags: string[]): [string, ...string[]] => [
      'new',
      'recover',
      ...flags,
      ...NOWHERE
    ]
    const wrong = { code: 12, name: 'WrongWords' }
    const few = words('few', right.slice(0, 23).join(' '))
    await fails(t, recover(few), { ...wrong, says: /23|24/ })
    const unknown = words('unknown', ['drystone', ...right.slice(1)].join(' '))
    await fails(t, recover(unknown), { ...wrong, says: /word 1/i })
    const other = right[0] === 'abandon' ? 'ability' : 'abandon'
    const swapped = words('swapped', [other, other, ...right.slice(2)].join(' '))
    await fails(t, recover(swapped), { ...wrong, says: /./ })
    await fails(t, recover(['--recovery-file', office.path('nothing')]), {
      ...{ code: 2, name: 'WrongUsage', says: /cannot be read/ }
    })
    await fails(t, recover([]), { code: 2, name: 'WrongUsage', says: /recovery words/ })
  }
)

test.serial('right words of another mesh find nobody who takes them', async (t) => {
  const art = `${'abandon '.repeat(23)}art`
  const flags = ['--no-mdns', '--addr', office.addressOf('nas'), ...LOCAL]
  await fails(t, ['new', 'recover', ...words('art', art), ...flags], {
    ...{ code: 13, name: 'NoMemberFound', says: /none takes these words/, next: /another mesh/ }
  })
  await fails(t, ['desk', 'restore', '--endpoint', 'nas', '--to', office.path('x')], {
    ...{ code: 1, name: 'EndpointUnknown', says: /nas/, next: /desk/ }
  })
})

test.serial('an invite that is expired, used up or garbage lets nobody in', async (t) => {
  const flags = ['--no-mdns', '--addr', office.addressOf('nas'), ...LOCAL]
  const wanted = { code: 13, name: 'NoMemberFound', says: /none takes these words/, next: /invite/ }
  const short = await office.ok('nas', ['invite', '--expires', '1s'])
  const used = await office.ok('nas', ['invite', '--role', 'storage'])
  await office.ok('shed', ['join', String(used['code']), '--name', 'shed', ...LOCAL])
  await fails(t, ['late', 'join', String(used['code']), ...flags], wanted)
  await fails(t, ['late', 'join', String(short['code']), ...flags], wanted)
  for (const code of ['garbage', 'one two three', `${String(used['code'])}-able`]) {
    await fails(t, ['late', 'join', code, ...flags], { code: 12, name: 'WrongWords', says: /./ })
  }
  await fails(t, ['late', 'join'], {
    code: 2,
    name: 'WrongUsage',
    says: /missing.*code/i,
    next: /|/
  })
})

test.serial('a wrong address, and an address where nobody is, say so', async (t) => {
  const { code } = await office.ok('nas', ['invite'])
  const join = (addr: string): [string, ...string[]] => [
    ...(['late', 'join', String(code), '--no-mdns', '--addr', addr, ...LOCAL] as const)
  ]
  await fails(t, join('127.0.0.1:9'), {
    ...{ code: 13, name: 'NoMemberFound', says: /nobody answered at 127\.0\.0\.1:9/, next: /up/ }
  })
  await fails(t, join('not an address'), {
    ...{ code: 2, name: 'WrongUsage', says: /is not an address/, next: /host:port/ }
  })
})

test.serial('a role, a span or a point that is none is wrong usage', async (t) => {
  const wrong = { code: 2, name: 'WrongUsage', next: /|/ }
  await fails(t, ['nas', 'invite', '--role', 'king'], { ...wrong, says: /king is no role/ })
  await fails(t, ['nas', 'invite', '--expires', 'soon'], { ...wrong, says: /soon is no span/ })
  await fails(t, ['nas', 'invite', '--uses', '0'], { ...wrong, says: /--uses/ })
  await fails(t, ['desk', 'ls', 'someday'], { ...wrong, says: /someday/ })
  await fails(t, ['desk', 'verify', 'x'], { ...wrong, says: /x is no restore point/ })
  await fails(t, ['desk', 'backup', '--wait', 'forever'], { ...wrong, says: /--wait/ })
  await fails(t, ['desk', 'backup', '--wait', 'protectedness'], { ...wrong, says: /--wait/ })
  await fails(t, ['desk', 'frobnicate'], { ...wrong, says: /unknown command/ })
  await fails(t, ['desk', 'status', '--frobnicate'], { ...wrong, says: /unknown option/ })
  await fails(t, ['desk', 'base', 'frobnicate'], { ...wrong, says: /unknown command/ })
  await fails(t, ['desk', 'backup', 'too', 'many'], { ...wrong, says: /too many/ })
})

test.serial('what has no restore point, no root or no rank says so', async (t) => {
  await fails(t, ['desk', 'points'], { code: 13, name: 'NoHead', says: /restore point/ })
  await fails(t, ['desk', 'restore', '--to', office.path('x')], {
    code: 13,
    name: 'NoHead',
    says: /./
  })
  await fails(t, ['nas', 'backup'], {
    code: 1,
    name: 'NoRoot',
    says: /protects no directory/,
    next: /--root/
  })
  await fails(t, ['desk', 'invite'], { code: 1, name: 'NotAdmin', says: /no admin/, next: /peers/ })
  await fails(t, ['desk', 'base', 'create', 'a@1', '--from', root], {
    ...{ code: 1, name: 'NotPublisher', says: /no publisher/, next: /peers/ }
  })
})

test.serial(
  'without another storage peer a backup is saved, and status says what is missing',
  async (t) => {
    await office.peer('nas').kill()
    const saved = await office.ok('desk', ['backup'])
    t.deepEqual(saved['copies'], [])
    const waited = await office.run('desk', ['backup', '--wait', 'protected=1s'])
    t.is(waited.code, 4)
    const status = await office.run('desk', ['status'])
    t.is(status.code, 4)
    const problems = status.result['problems'] as { name: string; message: string; next: string }[]
    t.true(problems.some(({ name }) => name === 'NotProtected'))
    for (const { next } of problems) t.regex(next, /drystone|start/i)
    await office.up('nas')
  }
)

test.serial(
  'strangers on the wire, with garbage or of another mesh, are let go and leave no trace',
  async (t) => {
    const [, port = ''] = office.addressOf('nas').split(':')
    for (const bytes of [Buffer.alloc(70_000, 0xff), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.end(bytes))
        socket
          .on('error', () => resolve())
          .on('close', () => resolve())
          .resume()
      })
    }
    await office.ok('other', ['setup', '--name', 'other', ...LOCAL])
    await office.up('other')
    const { code } = await office.ok('other', ['invite'])
    const flags = ['--no-mdns', '--addr', office.addressOf('nas'), ...LOCAL]
    await fails(t, ['stray', 'join', String(code), ...flags], {
      ...{ code: 13, name: 'NoMemberFound', says: /none takes these words/ }
    })
    const { peers } = await office.ok('nas', ['peers'])
    t.false((peers as Fields[]).some(({ name }) => name === 'other' || name === 'stray'))
    t.is((await office.ok('nas', ['check', '--deep']))['ok'], true)
  }
)
