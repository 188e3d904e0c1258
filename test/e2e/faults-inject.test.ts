// A disk that refuses or lies at one call of the real process, by strace: whoever meets it fails with the
// name that FAILURES.md gives it, never as if all were well; and the same command, once the disk is mended,
// makes up for it. Places are chosen by path, since which thread makes a call is chance.

import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { LOCAL, Office, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'
import { MORE, inHome, isSound } from './_faults.ts'

const probe = spawnSync('strace', ['-f', '-e', 'inject=rename:error=EIO', 'true'])
const tracing = probe.status === 0 ? test.serial : test.serial.skip
if (probe.status !== 0)
  console.warn('skipped: disks that fail, as strace is not here or may not trace')

/** What the next process of a home meets. */
interface Fault {
  /** Within the home; a rename is known by the name that it takes away. */
  paths: string[]
  /** As strace has it. */
  call: string
}

let faulty: { name: string; fault: Fault } | undefined
const office: Office = new Office({ prefix: (name) => traced(name) })
const root = office.path('desk-root')
let endpoint = ''
let points = 0
test.after.always(() => office.close())

test.before(async () => {
  if (probe.status !== 0) return
  makeTree(root, { bytes: 300_000 })
  await office.found('desk', ['--root', root])
  await office.enter('attic', 'storage', 'desk')
  await office.ok('desk', ['backup'])
  const { endpoints } = await office.ok('desk', ['endpoints'])
  endpoint = String((endpoints as Fields[])[0]?.['id'])
  points = 1
  await office.peer('desk').stop()
})

function traced(name: string): string[] {
  if (faulty?.name !== name) return []
  const { paths, call } = faulty.fault
  const places = paths.flatMap((path) => ['-P', join(office.home(name), path)])
  // Detached, so that signals reach the peer itself.
  return ['strace', '-D', '-f', '-o', office.path('strace'), ...places, '-e', `inject=${call}`]
}

async function meeting<T>(name: string, fault: Fault, work: () => Promise<T>): Promise<T> {
  faulty = { name, fault }
  try {
    return await work()
  } finally {
    faulty = undefined
  }
}

function wasMet(): boolean {
  return readFileSync(office.path('strace'), 'utf8').includes('(INJECTED)')
}

/** The segment that the next process of a home will write. */
function nextSegment(name: string, scope: string): string {
  const folder = join(office.home(name), `blocks/${scope}`)
  const names = existsSync(folder) ? readdirSync(folder).filter((each) => /seg$/.test(each)) : []
  const last = names.sort().at(-1)
  return `blocks/${scope}/${String(Number(last?.slice(0, 8) ?? 0) + 1).padStart(8, '0')}.seg`
}

const BACKUP: [what: string, wanted: string, fault: () => Fault][] = [
  [
    'no room for blocks',
    'DiskFull',
    () => ({ paths: [nextSegment('desk', endpoint)], call: 'pwrite64:error=ENOSPC:when=1' })
  ],
  [
    'a part of a block only',
    'StorePoisoned',
    () => ({ paths: [nextSegment('desk', endpoint)], call: 'pwrite64:retval=7:when=1' })
  ],
  [
    'blocks that do not become durable',
    'StorePoisoned',
    () => ({ paths: [nextSegment('desk', endpoint)], call: 'fsync:error=EIO:when=1' })
  ],
  [
    'a head that gets no name',
    'DiskFailed',
    () => ({ paths: temporaries(head(points + 1)), call: 'rename:error=EIO:when=1+' })
  ],
  [
    'an index that does not become durable',
    'DiskFailed',
    () => ({ paths: ['index'], call: 'fsync:error=EIO' })
  ]
]

function head(number: number): string {
  const [writer = ''] = readdirSync(join(office.home('desk'), `heads/${endpoint}`))
  return `heads/${endpoint}/${writer}/${number}`
}

/** What a file may be called before it has its name. */
function temporaries(path: string): string[] {
  return Array.from({ length: 30 }, (_, n) => `${path}.${n}.new`)
}

for (const [what, wanted, fault] of BACKUP) {
  tracing(`a backup that meets ${what} says ${wanted}, and the next one is whole`, async (t) => {
    appendFileSync(join(root, 'notes'), `${what}\n`)
    const { code, error } = await meeting('desk', fault(), () => office.run('desk', ['backup']))
    t.true(wasMet())
    t.deepEqual([code, error.name], [1, wanted], error.message)
    t.truthy(error.next)
    const done = await office.ok('desk', ['backup'])
    points = Number(done['point'])
    await inHome(office.home('desk'), (ask) => isSound(t, ask, points))
  })
}

const BASE: [what: string, wanted: string, fault: () => Fault][] = [
  [
    'no room',
    'DiskFull',
    () => ({ paths: [nextSegment('desk', 'base')], call: 'pwrite64:error=ENOSPC:when=1' })
  ],
  [
    'a segment that does not become durable',
    'StorePoisoned',
    () => ({ paths: ['blocks/base'], call: 'fsync:error=EIO:when=1' })
  ]
]

tracing('a base is not published while the disk refuses, and then it is', async (t) => {
  const create = ['base', 'create', 'office@1', '--from', root]
  for (const [what, wanted, fault] of BASE) {
    const { code, error } = await meeting('desk', fault(), () => office.run('desk', create))
    t.true(wasMet(), what)
    t.deepEqual([code, error.name], [1, wanted], what)
    t.deepEqual(readdirSync(join(office.home('desk'), 'bases')), [])
  }
  const made = await office.ok('desk', create)
  t.deepEqual(made['copies'], ['attic', 'desk'])
  t.is((await office.ok('desk', ['base', 'verify', 'office@1']))['ok'], true)
})

const KEEPER: [what: string, fault: () => Fault][] = [
  [
    'has no room',
    () => ({ paths: [nextSegment('attic', endpoint)], call: 'pwrite64:error=ENOSPC:when=1+' })
  ],
  [
    'cannot make blocks durable',
    () => ({ paths: [nextSegment('attic', endpoint)], call: 'fsync:error=EIO:when=1' })
  ]
]

// Half a minute each on a busy machine: one does for every day.
for (const [what, fault] of KEEPER.slice(0, MORE)) {
  tracing(`a keeper that ${what} signs for nothing, and signs once it can`, async (t) => {
    await office.peer('attic').stop()
    await meeting('attic', fault(), () => office.up('attic'))
    appendFileSync(join(root, 'notes'), `${what}\n`)
    const done = await office.run('desk', ['backup', '--wait', 'protected=1s'])
    t.true(wasMet())
    t.is(done.code, 4)
    t.deepEqual(done.result['copies'], [])
    await office.peer('attic').stop()
    await office.up('attic')
    const again = await office.ok('desk', ['backup'])
    t.deepEqual(again['copies'], ['attic'])
  })
}

tracing('after all of it the keeper alone gives back what there is', async (t) => {
  rmSync(office.home('desk'), { recursive: true })
  const where = ['--addr', office.addressOf('attic'), '--no-mdns', ...LOCAL]
  const words = ['--recovery-file', office.path('sheet'), '--replaces', 'desk']
  const to = office.path('back')
  await office.ok('blank', ['recover', '--name', 'blank', '--root', to, ...words, ...where])
  await office.ok('blank', ['restore', '--in-place'])
  t.deepEqual(factsOf(to), factsOf(root))
  t.deepEqual((await office.ok('attic', ['check', '--deep']))['damaged'], [])
})
