// Rescue: what store/FORMAT.md says is enough to restore. A program in another language, written from that
// text and sharing no code with ours (test/rescue.py), restores a base and sealed restore points from one
// keeper's home, after a real mesh made them; an independent walk compares every file. Then the home is
// damaged, and it must name what is gone, and bring all the rest.

import { execFile, execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { renameSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { toHex } from '../store/block.ts'
import { decode } from '../store/codec.ts'
import { encodeRecord } from '../store/signed.ts'
import { secretToWords, splitSecret, wordsToSecret } from '../store/words.ts'
import { Office } from './_e2e/office.ts'
import { factsOf, makeTree } from './_e2e/tree.ts'
import { NOWHERE, idOf, keyOf, setUp } from './store/_mesh.ts'

const RESCUE = fileURLToPath(new URL('rescue.py', import.meta.url))
const MODULES = 'cryptography, and zstandard, zstd or compression.zstd'

/** A Python with the modules that rescue.py needs; the system's own has them more often than others. */
function findPython(): string | undefined {
  return ['/usr/bin/python3', 'python3'].find((python) => {
    try {
      execFileSync(python, [RESCUE, '--help'], { stdio: 'ignore', timeout: 20_000 })
      return true
    } catch {
      return false
    }
  })
}

const python = findPython()
const withPython = python === undefined ? test.serial.skip : test.serial
if (python === undefined) console.warn(`skipped: rescue.py, as no python3 here has ${MODULES}`)

const office = new Office()
const [image, root] = [office.path('image'), office.path('desk-root')]
const keeper = office.home('nas')
const sheet = office.path('sheet')
/** The endpoint's own. */
const ownWords = office.path('own-words')
test.after.always(() => office.close())

/** Trees as they were when they were published or backed up, and the digests that our code gave them. */
const kept = { base: office.path('image'), first: office.path('first'), last: root }
const digests = { base: '', first: '', last: '' }

interface Rescued {
  code: number
  stdout: string
  stderr: string
}

function rescue(args: readonly string[], input = ''): Promise<Rescued> {
  return new Promise((resolve) => {
    const options = { timeout: 90_000, encoding: 'utf8' as const }
    const child = execFile(python ?? '', [RESCUE, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
    child.stdin?.end(input)
  })
}

let targets = 0

/** Restores into a new folder, and compares it with a tree that was kept. */
async function brings(
  t: ExecutionContext,
  which: keyof typeof kept,
  { args, input = '' }: { args: readonly string[]; input?: string }
): Promise<void> {
  const target = office.path(`target-${++targets}`)
  const ran = await rescue([...args, target], input)
  t.is(ran.stderr, '')
  t.is(ran.code, 0)
  t.true(ran.stdout.includes(`digest ${digests[which]}`), ran.stdout)
  t.regex(ran.stdout, /read back: what is on the disk has this digest/)
  t.deepEqual(factsOf(target), factsOf(kept[which]))
  t.is(xattrsOf(target), xattrsOf(kept[which]))
  rmSync(target, { recursive: true })
}

/** All extended attributes of a tree; empty where there is no tool or no such thing. */
function xattrsOf(folder: string): string {
  return quietly('getfattr', ['-Rhd', '-m', '-', '-e', 'hex', '.'], folder)
}

/** What a program says; empty if it is not there or refuses: then a tree has one thing less to compare. */
function quietly(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, {
      cwd,
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'ignore']
    })
  } catch {
    return ''
  }
}

/** A file of `megabytes` that are holes, but for a word at its end: many chunks, few blocks. */
function writeSparse(path: string, megabytes: number): void {
  const file = openSync(path, 'w')
  writeSync(file, path, (megabytes << 20) - 5000)
  closeSync(file)
  truncateSync(path, megabytes << 20)
}

/** What every tree here has beside the usual: nodes above its pages, a list of chunks, odd files. */
function furnish(folder: string): void {
  makeTree(folder, { bytes: 2 << 20 })
  writeFileSync(join(folder, 'empty file'), '')
  for (const form of ['NFC', 'NFD']) writeFileSync(join(folder, 'é'.normalize(form)), form)
  mkdirSync(join(folder, 'many'))
  for (let n = 0; n < 300; n++) writeFileSync(join(folder, 'many', `${n}`), `${n % 50}`)
  quietly('mkfifo', ['-m', '640', 'fifo'], folder)
  quietly('mknod', ['null', 'c', '1', '3'], folder)
  quietly('setfattr', ['-n', 'user.note', '-v', 'ünd\\000so', 'notes'], folder)
  quietly('touch', ['-d', '1969-12-31 23:59:58.123456789 UTC', 'empty', 'notes'], folder)
  quietly('touch', ['-h', '-d', '2001-09-09 01:46:40.000000001 UTC', 'first'], folder)
  quietly('chown', ['-h', '1234:5678', 'script.sh', 'first', 'letters'], folder)
  quietly('chmod', ['4755', 'script.sh'], folder)
}

/** Until the keeper has the head of a number: then it has all that the head reaches, too. */
async function isKept(seq: number): Promise<void> {
  const heads = join(keeper, 'heads')
  for (let tries = 0; tries < 600; tries++) {
    const names = existsSync(heads) ? readdirSync(heads, { recursive: true, encoding: 'utf8' }) : []
    if (names.some((name) => name.endsWith(`/${seq}`))) return
    await sleep(100)
  }
  throw new Error(`the keeper never had head ${seq}`)
}

test.before(async () => {
  if (python === undefined) return
  furnish(image)
  writeSparse(join(image, 'disk.img'), 65)
  await office.found('nas')
  const made = await office.ok('nas', ['base', 'create', 'office@1', '--from', image])
  digests.base = String(made['digest'])
  execFileSync('cp', ['-a', image, root])
  await office.enter('desk', 'endpoint')
  await office.ok('desk', ['base', 'adopt', 'office@1'])
  // Sealed pages that point at plain ones, and at sealed chunks.
  renameSync(join(root, 'letters', 'old'), join(root, 'older'))
  rmSync(join(root, 'disk.img'))
  furnish(join(root, 'private'))
  writeSparse(join(root, 'private', 'disk'), 65)
  digests.first = String((await office.ok('desk', ['backup']))['digest'])
  await isKept(1)
  execFileSync('cp', ['-a', root, kept.first])
  writeFileSync(join(root, 'private', 'later'), 'later')
  rmSync(join(root, 'private', 'disk'))
  digests.last = String((await office.ok('desk', ['backup']))['digest'])
  await isKept(2)
  const { epochs } = decode(readFileSync(join(office.home('desk'), 'endpoint.key'))) as {
    epochs: Uint8Array[]
  }
  for (const root of epochs) writeFileSync(ownWords, secretToWords(root))
  await Promise.all([office.peer('desk').stop(), office.peer('nas').stop()])
})

withPython('a home is listed: its bases, endpoints and, with words, points', async (t) => {
  const blind = await rescue([keeper, '--list'])
  t.is(blind.code, 0, blind.stderr)
  t.regex(blind.stdout, /^mesh office {2}[0-9a-f]{64}$/m)
  t.true(blind.stdout.includes(`digest ${digests.base}`))
  t.regex(blind.stdout, /^endpoint desk {2}[0-9a-f]{32} {2}heads here: 2 {2}writer /m)
  t.false(blind.stdout.includes(digests.last))
  const seeing = await rescue([keeper, '--list', '--words', sheet])
  t.regex(seeing.stdout, /^these are its words$/m)
  t.regex(seeing.stdout, new RegExp(`^ {2}point 1 .* digest ${digests.first}$`, 'm'))
  t.regex(seeing.stdout, new RegExp(`^ {2}point 2 .* digest ${digests.last}$`, 'm'))
})

withPython('a base comes back from a keeper without any keys, file by file', async (t) => {
  await brings(t, 'base', { args: [keeper, '--base', 'office@1'] })
})

withPython('the newest restore point comes back by the 24 words of the mesh', async (t) => {
  await brings(t, 'last', { args: [keeper, '--words', sheet, '--endpoint', 'desk'] })
})

withPython(
  'the computer itself has the keys, and lacks only what lies with the keeper',
  async (t) => {
    const own = office.home('desk')
    const blind = await rescue([own, '--endpoint', 'desk', office.path('own')])
    t.is(blind.code, 1)
    t.regex(blind.stderr, /^rescue: picture\.raw: block [0-9a-f]{64} is not here$/m)
    t.notRegex(blind.stderr, /private\/picture/)
    await brings(t, 'last', { args: [own, '--also', keeper, '--endpoint', 'desk'] })
  }
)

withPython('an older point comes back by split phrases from standard input', async (t) => {
  const rows = readFileSync(sheet, 'utf8').match(/^\d+\. .*$/gm) ?? []
  const phrase = wordsToSecret(rows.join('\n'))
  const halves = splitSecret(phrase, new Uint8Array(32).fill(7))
  const args = [keeper, '--words', '-', '--endpoint', 'desk', '--point', '1']
  await brings(t, 'first', { args, input: halves.reverse().join('\n') })
})

withPython('a wrong target, name, or phrase is refused before anything is written', async (t) => {
  const words = ['--words', sheet]
  const foreign = office.path('foreign')
  writeFileSync(foreign, secretToWords(new Uint8Array(32)))
  const target = office.path('never')
  for (const [args, says] of [
    [[...words, '--endpoint', 'desk', image], /is not empty/],
    [[...words, '--endpoint', 'desk', join(keeper, 'never')], /inside HOME/],
    [[...words, '--endpoint', 'nobody', target], /no endpoint is called nobody/],
    [['--endpoint', 'desk', target], /give words/],
    [['--words', foreign, '--endpoint', 'desk', target], /open nothing of desk/],
    [['--base', 'office@2', target], /no base is called office@2/]
  ] as const) {
    const ran = await rescue([keeper, ...args])
    t.is(ran.code, 2, ran.stdout)
    t.regex(ran.stderr, says)
    t.false(existsSync(target))
  }
})

/** Segments of the keeper, by scope. */
function segmentsOf(home: string): string[] {
  const names = readdirSync(join(home, 'blocks'), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.seg')).map((name) => join(home, 'blocks', name))
}

withPython('without index, footers and spares, the own words bring all of it', async (t) => {
  const bare = office.path('bare')
  execFileSync('cp', ['-a', keeper, bare])
  rmSync(join(bare, 'index'), { recursive: true })
  rmSync(join(bare, 'spare'), { recursive: true })
  let footers = 0
  for (const path of segmentsOf(bare)) {
    const bytes = readFileSync(path)
    if (bytes.subarray(-36, -32).toString() !== 'DSF1') continue
    footers++
    truncateSync(path, bytes.readUInt32BE(bytes.length - 40))
  }
  t.true(footers > 0)
  await brings(t, 'last', { args: [bare, '--words', ownWords, '--endpoint', 'desk'] })
})

withPython('what is damaged is named, and everything else comes back', async (t) => {
  const hurt = office.path('hurt')
  execFileSync('cp', ['-a', keeper, hurt])
  // The spare of one record, the other file of another, and the header and body of every large block.
  const [one, two] = readdirSync(join(hurt, 'roster'))
  flip(join(hurt, 'spare', 'roster', one ?? ''), 40)
  flip(join(hurt, 'roster', two ?? ''), 40)
  let blows = 0
  for (const path of segmentsOf(hurt)) {
    const bytes = readFileSync(path)
    for (let at = 0; bytes.subarray(at, at + 4).toString() === 'DSR1';) {
      const length = bytes.readUInt32BE(at + 37)
      // A decayed header costs nothing while its footer stands; a decayed body costs the block.
      if (length > 100_000) flip(path, at + (blows++ === 0 ? 53 + 7 : 7))
      at += 53 + length
    }
  }
  t.true(blows > 1)
  const target = office.path('hurt-target')
  const ran = await rescue([hurt, '--words', sheet, '--endpoint', 'desk', target])
  t.is(ran.code, 1)
  const lost = ran.stderr.split('\n').filter((line) => line !== '')
  t.true(lost.length > 0)
  const named = lost.map((line) => /^rescue: (.+): block [0-9a-f]{64} is damaged$/.exec(line)?.[1])
  const there = new Set(factsOf(target))
  const missing = factsOf(root).filter((line) => !there.has(line))
  t.deepEqual([...new Set(missing.map(pathOf))].sort(), named.sort())
})

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
  writeFileSync(path, bytes)
}

/** The path in a line of facts. */
function pathOf(fact: string): string | undefined {
  return /^[0-9a-f]{64} {2}\.\/(.*)$/.exec(fact)?.[1] ?? fact.split('|')[0]
}

withPython('who is who comes out of a tangled roster as our own fold has it', async (t) => {
  const mesh = setUp()
  const [nas, desk] = ['nas', 'desk']
  mesh.invite(nas, 'open', { uses: 2 })
  mesh.join(nas, desk, { code: 'open', at: 1, endpoint: 'E' })
  mesh.join(nas, 'lap', { code: 'open', at: 2, endpoint: 'F' })
  // Beyond the uses; then one who takes over with the endpoint's own key, and one whose key is worthless.
  mesh.join(desk, 'late', { code: 'open', at: 0, endpoint: 'G' })
  mesh.claim('E of desk', 'desk-2', { endpoint: 'E', key: 'E of desk-2' })
  mesh.claim('E of desk', 'mallory', { endpoint: 'E' })
  mesh.member(nas, 'lap', { name: 'desk', endpoint: idOf('F') })
  // Two of one name; one who was shut out from before; and one who was stolen.
  mesh.member(nas, 'twin', { name: 'desk', endpoint: idOf('T') })
  mesh.admin('attic')
  mesh.member('attic', 'ghost', { endpoint: idOf('H') })
  mesh.say('void', 'authority', { peer: keyOf('attic').public, upTo: NOWHERE })
  mesh.revoke(nas, 'desk-2', NOWHERE, true)
  mesh.claim('E of desk-2', 'thief', { endpoint: 'E' })
  const folder = office.path('tangled')
  mkdirSync(join(folder, 'roster'), { recursive: true })
  writeFileSync(join(folder, 'settings.json'), JSON.stringify({ mesh: toHex(mesh.id) }, null, 1))
  for (const record of mesh.records)
    writeFileSync(join(folder, 'roster', toHex(record.id)), encodeRecord(record))
  const ran = await rescue([folder, '--list'])
  const endpoints = [...mesh.roster().endpoints.values()].map(
    ({ id, name, writer }) =>
      `endpoint ${name}  ${toHex(id)}  heads here: 0  writer ${toHex(writer)}`
  )
  t.true(endpoints.length >= 4)
  t.deepEqual(ran.stdout.trim().split('\n').slice(1).sort(), endpoints.sort())
})
