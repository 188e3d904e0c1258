#!/usr/bin/env node
// The command line. It knows the commands by name and sentence only, and loads the one that is asked for,
// so that `--help` is quick. What each does is in node/cli/, one file a command.

import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'

// Stripped of types and compiled once, not at every command: that is most of what a short one costs. It
// lies in the user's own folder, never in a shared one, where another could put code in.
enableCompileCache(
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'drystone', 'compiled')
)

interface Listed {
  summary: string
  load: () => Promise<{ define: (command: Command) => void }>
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  setup: { summary: 'start a new mesh on this computer', load: () => import('./cli/setup.ts') },
  invite: { summary: 'make words that let a computer in', load: () => import('./cli/invite.ts') },
  join: { summary: 'join a mesh with invite words', load: () => import('./cli/join.ts') },
  recover: {
    summary: 'come back on a blank computer with the recovery words',
    load: () => import('./cli/recover.ts')
  },
  up: { summary: 'run the peer', load: () => import('./cli/up.ts') },
  down: { summary: 'stop the running peer', load: () => import('./cli/down.ts') },
  status: { summary: 'am I safe?', load: () => import('./cli/status.ts') },
  peers: { summary: 'who is in the mesh', load: () => import('./cli/peers.ts') },
  endpoints: { summary: 'what is protected', load: () => import('./cli/endpoints.ts') },
  base: { summary: 'base images', load: () => import('./cli/base.ts') },
  backup: { summary: 'take a restore point', load: () => import('./cli/backup.ts') },
  rules: { summary: 'what restore points leave out', load: () => import('./cli/rules.ts') },
  points: { summary: 'list restore points', load: () => import('./cli/points.ts') },
  pin: { summary: 'keep a restore point, whatever the rules', load: () => import('./cli/pin.ts') },
  unpin: { summary: 'let go of a pin', load: () => import('./cli/unpin.ts') },
  collapse: {
    summary: 'drop the restore points between two',
    load: () => import('./cli/collapse.ts')
  },
  retention: {
    summary: 'which restore points stay, by rules',
    load: () => import('./cli/retention.ts')
  },
  policy: { summary: 'what the mesh asks of everybody', load: () => import('./cli/policy.ts') },
  ls: { summary: 'list what a restore point holds', load: () => import('./cli/ls.ts') },
  find: { summary: 'find names in restore points', load: () => import('./cli/find.ts') },
  versions: { summary: 'how a path changed over time', load: () => import('./cli/versions.ts') },
  diff: { summary: 'what differs between restore points', load: () => import('./cli/diff.ts') },
  drift: { summary: 'what differs from the base', load: () => import('./cli/drift.ts') },
  restore: { summary: 'bring files back', load: () => import('./cli/restore.ts') },
  export: {
    summary: 'a restore point as one file, for a courier',
    load: () => import('./cli/export.ts')
  },
  import: { summary: 'take in what a courier brought', load: () => import('./cli/import.ts') },
  digest: {
    summary: 'the digest of a directory, by the rules of a state',
    load: () => import('./cli/digest.ts')
  },
  verify: { summary: 'can it be restored?', load: () => import('./cli/verify.ts') },
  check: { summary: 'is what this peer keeps intact?', load: () => import('./cli/check.ts') },
  audit: {
    summary: 'are files that backups skip still what they were?',
    load: () => import('./cli/audit.ts')
  },
  repair: {
    summary: 'bring back what is damaged or missing',
    load: () => import('./cli/repair.ts')
  },
  sweep: {
    summary: 'drop what nothing reaches and no undo time keeps',
    load: () => import('./cli/sweep.ts')
  },
  demo: { summary: 'an office in a box on this computer', load: () => import('./cli/demo.ts') },
  sim: {
    summary: 'run a scenario: a whole office in one process',
    load: () => import('./cli/sim.ts')
  }
}

const program = new Command('drystone')
  .description('Backup for a small office without a server.')
  .version('0.1.0')
  .showHelpAfterError('(drystone --help lists the commands)')
  .exitOverride((error) => {
    process.exitCode = error.exitCode === 0 ? 0 : 2
    throw error
  })
program.option('--home <dir>', 'the home of the peer (or DRYSTONE_HOME)')
program.option('--json', 'print NDJSON')

const asked = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word))
for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
  const command = program.command(name).description(summary).copyInheritedSettings(program)
  if (name === asked) (await load()).define(command)
}
try {
  await program.parseAsync()
} catch (error) {
  // commander has printed what was wrong with the words.
  if (!(error instanceof Error && error.name === 'CommanderError')) throw error
  if (process.argv.includes('--json') && process.exitCode === 2) {
    const failure = { name: 'WrongUsage', message: error.message }
    process.stdout.write(`${JSON.stringify({ v: 1, type: 'result', ok: false, error: failure })}\n`)
  }
}
