// What a run of the tests comes to. ava's own exit code lets a file without tests pass and its summary
// leaves out tests that never ended, so the counts are made here, from the events of the run, file by file.
// Whatever ava holds against a run, the verdict does too.

/** Names the file that test/_run/observed.ts writes a Tally to. */
export const TALLY_VARIABLE = 'DRYSTONE_TEST_TALLY'

/** How one test file went. */
export interface FileTally {
  /** Relative to the project. */
  path: string
  declared: number
  passed: number
  /** Tests and hooks. */
  failed: number
  /** Skipped, or only planned. */
  skipped: number
  /** Tests that started or were to start, and never came to an end. */
  remaining: number
  /** Uncaught exceptions and unhandled rejections. */
  accidents: number
}

export interface Tally {
  files: FileTally[]
  /** False if ava was interrupted or died before it could close the run. */
  ended: boolean
}

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Failures in one file: at least one if anything at all went wrong in it. */
function failuresIn(file: FileTally): number {
  const counted = file.failed + file.remaining
  const wrong = file.accidents > 0 || file.declared === 0
  return counted === 0 && wrong ? 1 : counted
}

/**
 * The counts of a run that ended with ava's exit code `code`, and a remark for each thing that is wrong
 * beyond tests that failed.
 */
export function verdictOf(
  tally: Tally | undefined,
  code: number
): { counts: Counts; remarks: string[] } {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const remarks: string[] = []
  for (const file of tally?.files ?? []) {
    counts.passed += file.passed
    counts.failed += failuresIn(file)
    counts.skipped += file.skipped
    if (file.remaining > 0) remarks.push(`${file.path}: ${file.remaining} did not come to an end`)
    else if (file.declared === 0)
      remarks.push(`${file.path}: declares no test, or broke before it did`)
    else if (file.accidents > 0) remarks.push(`${file.path}: something failed outside its tests`)
  }
  if (counts.passed + counts.failed === 0) remarks.push('no test ran')
  else if (tally?.ended !== true) remarks.push('the run was cut short')
  else if (code !== 0 && counts.failed === 0) {
    counts.failed = 1
    remarks.push('every test held, but a test file crashed or did not stop')
  }
  return { counts, remarks }
}

/** The closing line. */
export function lineOf({ passed, failed, skipped }: Counts): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped > 0 ? `${line}, ${skipped} skipped` : line
}
