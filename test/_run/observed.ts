// The configuration ava is started with: what package.json says under "ava", and an observer that
// counts. The counts go to a file, because standard output belongs to ava and its readers.

import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { ObservedRun } from 'ava/internal'
import { TALLY_VARIABLE, type FileTally, type Tally } from './tally.ts'

type Stats = Extract<
  ObservedRun['events'] extends AsyncIterableIterator<infer Event> ? Event : never,
  { type: 'stats' }
>['stats']

function tallyOf(stats: Stats, projectDir: string): FileTally[] {
  return [...stats.byFile].map(([path, file]) => ({
    path: relative(projectDir, path),
    declared: file.declaredTests,
    passed: file.passedTests + file.passedKnownFailingTests,
    failed: file.failedTests + file.failedHooks,
    skipped: file.skippedTests + file.todoTests,
    remaining: file.remainingTests,
    accidents: file.uncaughtExceptions + file.unhandledRejections + file.internalErrors
  }))
}

// ava prints a warning on each run if an experiment is listed; its version is pinned, so it is not listed.
const nonSemVerExperiments = Object.defineProperty({}, 'observeRunsFromConfig', { value: true })

export default function config({ projectDir }: { projectDir: string }): object {
  const { ava } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8')) as {
    ava: object
  }
  return {
    ...ava,
    // In some CI systems ava would otherwise run only a share of the files.
    utilizeParallelBuilds: false,
    nonSemVerExperiments,
    async observeRun({ events }: ObservedRun) {
      const path = process.env[TALLY_VARIABLE]
      if (path === undefined) return
      const tally: Tally = { files: [], ended: false }
      for await (const event of events) {
        if (event.type === 'stats') tally.files = tallyOf(event.stats, projectDir)
        else if (event.type === 'end') tally.ended = true
      }
      writeFileSync(path, JSON.stringify(tally))
    }
  }
}
