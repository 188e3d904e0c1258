// What the tests of the bad disk share: files with known bytes, and random steps that any disk can do, so
// that what comes of them can be compared.

import fc from 'fast-check'
import type { Disk } from '../../../store/disk.ts'
import type { SimDisk } from '../../../sim/disk/disk.ts'

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
export const A = Buffer.from('aaaa')
export const B = Buffer.from('bbbb')

/** A file with these bytes, durable or not, name and all. */
export async function put(
  disk: Disk,
  path: string,
  bytes: Uint8Array = A,
  isSynced = true
): Promise<void> {
  const file = await disk.open(path, 'create')
  await file.write(bytes, 0)
  if (isSynced) await file.sync()
  await file.close()
}

/** Every file with its content. */
export function contents(disk: SimDisk): Record<string, string> {
  return Object.fromEntries(disk.files().map(({ path }) => [path, text(disk.read(path))]))
}

export type Step =
  | { do: 'create' | 'remove' | 'write' | 'sync' | 'size'; path: string }
  | { do: 'rename'; path: string; to: string }
  | { do: 'syncDirectory' | 'makeDirectory' | 'list'; path: string }

const path = fc.constantFrom('x', 'y', 'd/x', 'd/y', 'd/e/x', 'x/below')
const directory = fc.constantFrom('', 'd', 'd/e', 'nowhere', 'x')
export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'remove', 'write', 'sync', 'size'), path }),
  fc.record({ do: fc.constant('rename' as const), path, to: fc.oneof(path, directory) }),
  fc.record({ do: fc.constantFrom('syncDirectory', 'makeDirectory', 'list'), path: directory }),
  fc.record({ do: fc.constantFrom('create', 'remove', 'write'), path: directory })
)

/** Does one step; what comes of it, in words that all disks share. */
export async function result(disk: Disk, step: Step, count: number): Promise<unknown> {
  try {
    if (step.do === 'rename') return await disk.rename(step.path, step.to)
    if (step.do === 'remove') return await disk.remove(step.path)
    if (step.do === 'list') return await disk.list(step.path)
    if (step.do === 'makeDirectory') return await disk.makeDirectory(step.path)
    if (step.do === 'syncDirectory') return await disk.syncDirectory(step.path)
    const file = await disk.open(step.path, step.do === 'create' ? 'create' : 'update')
    try {
      if (step.do === 'write' || step.do === 'create') {
        return await file.write(Buffer.from(`${count}.`), count % 5)
      }
      if (step.do === 'sync') return await file.sync()
      return await file.size()
    } finally {
      await file.close()
    }
  } catch (error) {
    return error instanceof Error ? error.name : error
  }
}

/** All steps, one after another. */
export async function apply(disk: Disk, steps: readonly Step[]): Promise<void> {
  for (const [count, each] of steps.entries()) await result(disk, each, count)
}
