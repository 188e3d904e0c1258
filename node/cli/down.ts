// `down`: stop the running peer of this home, and wait until it has let go of it.
// When it returns, the home is free for another process.

import type { Command } from 'commander'
import { systemClock } from '../../store/clock.ts'
import { action, withCommonFlags } from './command.ts'
import { homeFolder } from './home-folder.ts'
import { isPeerRunning } from './session.ts'

const WAIT_MS = 30_000

export function define(command: Command): void {
  withCommonFlags(command).action(
    action(async ({ output, home, session }) => {
      const folder = homeFolder(home)
      if (!(await isPeerRunning(folder))) {
        output.line('No peer of this home runs.')
        return output.result({ running: false })
      }
      await (await session()).call('down', {})
      const startedMs = systemClock.monotonic()
      while (await isPeerRunning(folder)) {
        if (systemClock.monotonic() - startedMs > WAIT_MS) break
        await systemClock.sleep(50)
      }
      output.line('The peer has stopped.')
      output.result({ running: await isPeerRunning(folder) })
    })
  )
}
