// Which home a command is about. Kept apart from the real ports, so that a command that only calls the
// running peer loads neither network nor index.

import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder of the home: as given, from DRYSTONE_HOME, or in the user's own folder. */
export function homeFolder(given: string | undefined): string {
  return given ?? process.env['DRYSTONE_HOME'] ?? join(homedir(), '.drystone')
}
