// The host of the control API: lets commands of this home's owner call the running peer.
// Only who can read the token's file, in a folder that only its owner can enter, is heard.

import { writeFile, type Disk } from '../../store/disk.ts'
import type { Clock } from '../../store/clock.ts'
import type { Random } from '../../store/random.ts'
import { answerCalls, TOKEN_BYTES, type Perform } from './call.ts'
import { CONTROL_FOLDER, SOCKET_FILE, listen } from './socket.ts'

/** The file that holds the token, readable by the owner only. */
export const TOKEN_FILE = `${CONTROL_FOLDER}/token`

/** Answers calls until it is closed. The home must be this process's own: a stale socket is removed. */
export async function hostControl(
  { disk, clock, random }: { disk: Disk; clock: Clock; random: Random },
  perform: Perform
): Promise<{ close(): Promise<void> }> {
  const { location } = disk
  if (location === undefined) throw new TypeError('a home in memory has no control socket')
  const token = random.bytes(TOKEN_BYTES)
  await disk.makeDirectory(CONTROL_FOLDER)
  await disk.remove(SOCKET_FILE)
  await writeFile(disk, TOKEN_FILE, token)
  return listen(location, (wire) => {
    // A caller that goes away in the middle is no failure of ours.
    answerCalls({ wire, clock }, token, perform).catch(() => wire.abort())
  })
}
