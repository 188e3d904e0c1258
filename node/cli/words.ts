// Asking for recovery words: from a file, or typed at a prompt that does not show them. Never from the
// command line, the environment or a log.

import { readFile } from 'node:fs/promises'
import { isCancel, password } from '@clack/prompts'
import { WrongUsage } from './session.ts'

const FILE_BYTES_MAX = 16 * 1024

export async function askWords(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new WrongUsage(`the file with the recovery words, ${file}, cannot be read`, {
        next: 'Name a file that you can read; it holds the 24 words, or the sheet that setup wrote.',
        cause
      })
    })
    if (text.length > FILE_BYTES_MAX) throw new WrongUsage(`${file} is too long for recovery words`)
    return fromSheet(text)
  }
  if (process.stdin.isTTY !== true) {
    throw new WrongUsage('the recovery words are needed', {
      next: 'Give a file that holds them with --recovery-file FILE.'
    })
  }
  const typed = await password({ message: 'The 24 recovery words of the mesh:', mask: '*' })
  if (isCancel(typed)) throw new WrongUsage('no recovery words were given')
  return typed
}

/** Of a sheet as setup writes it, the numbered rows; any other text as it is. */
function fromSheet(text: string): string {
  const rows = text.split('\n').filter((line) => /^\s*\d+\.\s/.test(line))
  return rows.length > 0 ? rows.join('\n') : text
}

/** The words of a file, if one is named. */
export async function wordsFrom(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : askWords(file)
}
