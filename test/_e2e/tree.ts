// Trees on disk for the tests, and a walk over them that shares no code with the product: `find` and
// `sha256sum` say what is there, byte for byte, with metadata.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A small tree with what trees have: folders, a larger file, links of both kinds, modes, odd names. */
export function makeTree(root: string, { bytes = 3 << 20, more = 0 } = {}): void {
  mkdirSync(join(root, 'letters', 'old'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  for (let n = 1; n <= 12; n++) writeFileSync(join(root, 'letters', `letter ${n} ü.txt`), text(n))
  writeFileSync(join(root, 'letters', 'old', 'first.txt'), text(77))
  writeFileSync(join(root, 'picture.raw'), randomBytes(bytes))
  for (let n = 1; n <= more; n++) writeFileSync(join(root, `picture ${n}.raw`), randomBytes(bytes))
  writeFileSync(join(root, 'notes'), text(50))
  linkSync(join(root, 'notes'), join(root, 'letters', 'the same notes'))
  symlinkSync('letters/old/first.txt', join(root, 'first'))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/odd `), Buffer.of(0xff, 0xfe)]), 'odd\n')
  writeFileSync(join(root, 'script.sh'), '#!/bin/sh\n')
  chmodSync(join(root, 'script.sh'), 0o750)
  utimesSync(join(root, 'script.sh'), 1_600_000_000.25, 1_600_000_000.25)
}

function text(n: number): string {
  return `Letter ${n}. `.repeat(n * 20)
}

/** All facts of a tree, a line each; two trees are equal if these are. */
export function factsOf(root: string): string[] {
  const find = ['.', '-printf', '%P|%y|%m|%U:%G|%T@|%l|%n|%s\\n']
  const names = execFileSync('find', find, { cwd: root, encoding: 'latin1' }).split('\n')
  // The size of a folder is its file system's own affair.
  const facts = names.map((line) =>
    /^[^|]*\|d\|/.test(line) ? line.replace(/\d+\|\d+$/, '') : line
  )
  const hashes = execFileSync('find', ['.', '-type', 'f', '-exec', 'sha256sum', '-z', '{}', '+'], {
    cwd: root,
    encoding: 'latin1'
  })
  return [...facts, ...hashes.split('\0')].sort()
}

/** Bytes of a folder on disk. */
export function sizeOf(folder: string): number {
  return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0])
}
