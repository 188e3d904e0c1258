// Finding a scenario: one of those that come with Drystone, by its name, or a file. It only reads text;
// what the text means is for the simulator to say.

import { open, readdir, readFile } from 'node:fs/promises'
import { WrongUsage } from './session.ts'

const BUILT_IN = new URL('../../sim/scenarios/', import.meta.url)
const EXTENSION = '.yaml'
const FILE_BYTES_MAX = 1 << 20

export interface ScenarioFile {
  /** As a user names it: a path, or the name of one that comes with Drystone. */
  name: string
  text: string
}

/** The names of the scenarios that come with Drystone. */
export async function builtInScenarios(): Promise<string[]> {
  const files = await readdir(BUILT_IN)
  return files
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort()
}

/** @throws {WrongUsage} if there is neither such a scenario nor such a file */
export async function readScenarioFile(name: string): Promise<ScenarioFile> {
  const builtIn = await builtInScenarios()
  if (builtIn.includes(name)) {
    return { name, text: await readFile(new URL(`${name}${EXTENSION}`, BUILT_IN), 'utf8') }
  }
  try {
    return { name, text: await readText(name) }
  } catch (cause) {
    if (cause instanceof WrongUsage) throw cause
    const why = cause instanceof Error ? cause.message : 'it is refused'
    throw new WrongUsage(`${name} is no scenario, and no file that can be read: ${why}`, {
      next: `Name a file, or one of ${builtIn.join(', ')}.`,
      cause
    })
  }
}

/** However long the file claims to be, or is. */
async function readText(path: string): Promise<string> {
  const file = await open(path)
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      length += bytesRead
      if (length > FILE_BYTES_MAX) {
        throw new WrongUsage(`${path} is longer than 1 MiB: that is no scenario`)
      }
      if (bytesRead === 0) return new TextDecoder().decode(bytes.subarray(0, length))
    }
  } finally {
    await file.close()
  }
}
