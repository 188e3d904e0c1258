// `setup`: a new mesh, and this computer as its first peer. The recovery words are shown once.
// Until they were shown the home is not complete, and setup can simply be run again.

import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, resolve, sep } from 'node:path'
import type { Command } from 'commander'
import { toHex } from '../../store/block.ts'
import { peerIdText } from '../../store/peer.ts'
import type { Role } from '../../store/roster-bodies.ts'
import { foundMesh } from '../mesh/founding.ts'
import { action, withCommonFlags } from './command.ts'
import { list, rolesOf } from './flags.ts'
import { homeFolder } from './home-folder.ts'
import { addressesOf, rootOf } from './places.ts'
import { realPorts } from './real-ports.ts'
import { WrongUsage } from './session.ts'

interface Flags {
  mesh: string
  name: string
  root?: string
  role: string[]
  site: string
  sheet?: string
  split?: boolean
  listen?: string[]
  mdns: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--mesh <name>', 'name of the mesh', 'office')
    .option('--name <peer>', 'name of this computer', hostname())
    .option('--root <dir>', 'the directory to protect on this computer')
    .option('--role <roles>', 'roles of this computer', list, [])
    .option('--site <site>', 'where this computer stands', '')
    .option('--sheet <file>', 'write the recovery words here, to be printed and deleted')
    .option('--split', 'make two phrases, for two people: only both together recover')
    .option('--listen <addr>', 'where this peer listens (repeatable)', list)
    .option('--no-mdns', 'neither look for peers on the LAN nor be found')
    .action(
      action<Flags>(async ({ output, home }, flags) => {
        const folder = homeFolder(home)
        if (flags.sheet !== undefined) await assertOutside(flags.sheet, folder)
        const { listen, mdns } = flags
        const root = await rootOf(flags.root)
        addressesOf(listen)
        const founded = await foundMesh(await realPorts(folder), {
          mesh: flags.mesh,
          name: flags.name,
          roles: rolesFor(flags.role, root),
          site: flags.site,
          root,
          listen,
          mdns: mdns ? undefined : false,
          isSplit: flags.split === true
        })
        if (flags.sheet !== undefined) await writeSheet(flags.sheet, flags.mesh, founded.phrases)
        output.line(`The mesh "${flags.mesh}" is here, and this computer, ${flags.name}, is in it.`)
        output.line()
        output.line('Recovery words. With these alone everything can be brought back; without them')
        output.line('nobody can. Write them on paper, and keep them away from these computers:')
        output.line()
        for (const phrase of founded.phrases) {
          for (const row of wordRows(phrase)) output.line(`  ${row}`)
          output.line()
        }
        await founded.complete()
        output.next('run `drystone up`, and `drystone invite` to let another computer in.')
        output.result({
          mesh: toHex(founded.mesh),
          peer: peerIdText(founded.peer),
          endpoint: founded.endpoint && toHex(founded.endpoint),
          recovery: founded.phrases.join(' ')
        })
      })
    )
}

function rolesFor(given: readonly string[], root: string | undefined): ReadonlySet<Role> {
  if (given.length > 0) return new Set(rolesOf(given))
  const usual: Role[] = ['admin', 'publisher', 'storage']
  return new Set(root === undefined ? usual : [...usual, 'endpoint'])
}

/** Numbered, four in a row. */
function wordRows(words: string): string[] {
  const numbered = words.split(' ').map((word, i) => `${i + 1}. ${word}`.padEnd(16))
  return Array.from({ length: Math.ceil(numbered.length / 4) }, (_, row) =>
    numbered
      .slice(row * 4, row * 4 + 4)
      .join('')
      .trimEnd()
  )
}

/** @throws {WrongUsage} A sheet within a home would be lost, or stolen, with it. */
async function assertOutside(sheet: string, folder: string): Promise<void> {
  const real = async (path: string): Promise<string> => realpath(path).catch(() => resolve(path))
  const [place, home] = [await real(dirname(resolve(sheet))), await real(folder)]
  if (place === home || place.startsWith(home + sep)) {
    throw new WrongUsage('the sheet with the recovery words must not lie in the home', {
      next: 'Name a file elsewhere with --sheet, best on a stick that you take away.'
    })
  }
}

async function writeSheet(path: string, mesh: string, phrases: readonly string[]): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  const file = await open(path, flags, 0o600).catch((cause: unknown) => {
    throw new WrongUsage(`the sheet ${path} cannot be written, or is there already`, { cause })
  })
  try {
    const text = [`Recovery words of the Drystone mesh "${mesh}"`, '']
    for (const phrase of phrases) text.push(...wordRows(phrase), '')
    await file.writeFile(text.join('\n'))
    await file.sync()
  } finally {
    await file.close()
  }
}
