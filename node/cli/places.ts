// Places as people name them on the command line: addresses of peers, and the directory to protect. A slip
// is found before anything is made or asked for, so that the command can simply be typed again.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DrystoneError } from '../../store/errors.ts'
import { parseAddress } from '../net/address.ts'
import { WrongUsage } from './session.ts'

/** Addresses as they were given, each one legal. @throws {WrongUsage} */
export function addressesOf(given: readonly string[] | undefined): string[] {
  return (given ?? []).map((text) => {
    try {
      parseAddress(text)
      return text
    } catch (error) {
      if (!(error instanceof DrystoneError)) throw error
      throw new WrongUsage(error.message, { next: error.next, cause: error })
    }
  })
}

/**
 * The directory to protect, as an absolute path. It must be there, unless it is still to be restored.
 *
 * @throws {WrongUsage} if a file stands there, or nothing.
 */
export async function rootOf(
  given: string | undefined,
  { mayBeMissing = false } = {}
): Promise<string | undefined> {
  if (given === undefined) return undefined
  const root = resolve(given)
  const found = await stat(root).catch(() => undefined)
  if (found?.isDirectory() === true || (found === undefined && mayBeMissing)) return root
  throw new WrongUsage(`${root} is no directory`, {
    next: 'Name the directory to protect with --root; make it first if it is to be filled later.'
  })
}
