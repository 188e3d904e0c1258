// A day's work in the demo, on real files: private ones are added, some of the base's are changed, moved and
// deleted.

import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  writeFile
} from 'node:fs/promises'
import { join } from 'node:path'
import { systemRandom } from '../../store/random.ts'

const PICTURE_BYTES = 3 << 20
const LETTERS = 40

/** Letters, a large file, links of both kinds, odd names. */
export async function addPrivateFiles(
  root: string,
  name: string
): Promise<Record<string, unknown>> {
  const home = join(root, 'private', name)
  await mkdir(join(home, 'letters'), { recursive: true })
  for (let n = 1; n <= LETTERS; n++) {
    const text = `Letter ${n} of ${name}.\n`.repeat(n)
    await writeFile(join(home, 'letters', `letter ${n} – ü.txt`), text)
  }
  const picture = systemRandom.bytes(PICTURE_BYTES)
  await writeFile(join(home, 'picture.raw'), picture)
  await link(join(home, 'picture.raw'), join(home, 'the same picture.raw'))
  await symlink('letters/letter 1 – ü.txt', join(home, 'first letter'))
  await writeFile(
    Buffer.concat([Buffer.from(`${home}/not utf-8 `), Buffer.of(0xff, 0xfe)]),
    'odd\n'
  )
  await mkdir(join(home, 'empty'))
  return { files: LETTERS + 3, bytes: PICTURE_BYTES }
}

/** Changes, moves and deletes a few of the base's own files. */
export async function changeBaseFiles(root: string): Promise<Record<string, unknown>> {
  const files = await plainFiles(root, 8)
  const [changed, alsoChanged, moved, deleted, hidden] = files
  if (changed !== undefined) await appendFile(changed, '\nchanged here\n')
  if (alsoChanged !== undefined) await writeFile(alsoChanged, 'written anew\n')
  if (moved !== undefined) await rename(moved, join(root, 'private', 'moved from the base'))
  if (deleted !== undefined) await rm(deleted)
  if (hidden !== undefined) await chmod(hidden, 0o600)
  return { changed: 2, moved: 1, deleted: 1, 'modes changed': 1 }
}

/** Some regular files of one name each, from different folders where there are that many. */
async function plainFiles(root: string, most: number): Promise<string[]> {
  const found: string[] = []
  const waiting = [root]
  while (waiting.length > 0 && found.length < most) {
    const path = waiting.shift() ?? root
    let own = 0
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      if (entry.isDirectory() && entry.name !== 'private') waiting.push(child)
      if (!entry.isFile() || own >= 2) continue
      const stats = await lstat(child)
      if (stats.nlink !== 1 || stats.size === 0) continue
      found.push(child)
      own++
    }
  }
  return found
}
