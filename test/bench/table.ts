// Tables for a terminal: columns as wide as they have to be, numbers to the right; and how sizes and ratios
// are written in them.

/** Lines of a table whose first row is its head. */
export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, i) =>
        isNumber(cell) || isNumber(rows[1]?.[i] ?? '')
          ? cell.padStart(widths[i] ?? 0)
          : cell.padEnd(widths[i] ?? 0)
      )
      .join('  ')
      .trimEnd()
  )
}

function isNumber(cell: string): boolean {
  return /^[\d.]+/.test(cell)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytesText(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${UNITS[step]}`
}

export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${ratio.toFixed(2)}x`
}
