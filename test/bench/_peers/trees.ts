// Trees for the comparison: one of many small files, made here, and a look at any tree by tools that share no
// code with ours, so that a restore that was fast but wrong is not taken for a good one.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILES_IN_FOLDER = 100
const FOLDERS_IN_FOLDER = 100
/** Files are from about one line to about four kilobytes. */
const LINES_MAX = 60
const AN_HOUR_AGO = Date.now() / 1000 - 3600

/** So many small text files, no two alike, a hundred to a folder. */
export function makeSmallFiles(root: string, files: number): void {
  for (let n = 0; n < files; n++) {
    const folderNumber = Math.floor(n / FILES_IN_FOLDER)
    const above = `group-${Math.floor(folderNumber / FOLDERS_IN_FOLDER)}`
    const folder = join(root, above, `folder-${folderNumber}`)
    if (n % FILES_IN_FOLDER === 0) mkdirSync(folder, { recursive: true })
    const path = join(folder, `file-${n}.txt`)
    const line = `${n} ${createHash('sha256').update(String(n)).digest('hex')}\n`
    writeFileSync(path, line.repeat(1 + (n % LINES_MAX)))
    utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO)
  }
}

/** Changes ten files of such a tree, wherever they lie. */
export function changeTen(root: string, files: number, round: number): void {
  for (let i = 0; i < 10; i++) {
    const n = Math.floor(((i + (round % 10) / 10) * files) / 10)
    const folderNumber = Math.floor(n / FILES_IN_FOLDER)
    const above = `group-${Math.floor(folderNumber / FOLDERS_IN_FOLDER)}`
    appendFileSync(join(root, above, `folder-${folderNumber}`, `file-${n}.txt`), `${round}\n`)
  }
}

/** Reads all of a tree once: whoever comes first must not pay for the disk alone. */
export function warm(tree: string): { files: number; bytes: number } {
  spawnSync('sh', ['-c', 'tar -cf - -C "$1" . | cat > /dev/null', 'sh', tree])
  const { stdout } = spawnSync('find', [tree, '-type', 'f', '-printf', '%s\n'], BIG)
  const sizes = stdout.split('\n').filter((line) => line !== '')
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + Number(size), 0) }
}

/** Names, types, modes, owners, times, link targets and sizes that differ between two trees. */
export function differences(tree: string, other: string): string[] {
  const [a, b] = [factsOf(tree), factsOf(other)]
  const [inA, inB] = [new Set(a), new Set(b)]
  return [...a.filter((line) => !inB.has(line)), ...b.filter((line) => !inA.has(line))]
}

const BIG = { encoding: 'latin1', maxBuffer: 1 << 30 } as const

function factsOf(root: string): string[] {
  const print = '%P|%y|%m|%U:%G|%l|%T@|%s\\n'
  const { stdout } = spawnSync('find', ['.', '-mindepth', '1', '-printf', print], {
    ...BIG,
    cwd: root
  })
  // The size of a folder is its file system's own affair, and so is what a socket is.
  return stdout
    .split('\n')
    .filter((line) => !/^[^|]*\|s\|/.test(line))
    .map((line) => (/^[^|]*\|d\|/.test(line) ? line.replace(/\|\d+$/, '') : line))
}
