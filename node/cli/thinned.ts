// What a thinning of history comes to, printed: which points go, what stays in their place, and why the
// others stay.

import { momentText, tableText, type Output } from './output.ts'
import { whyText } from './keep-rules.ts'

export interface Thinned {
  kept: { point: number; time: string; why: string[] }[]
  dropped: { point: number; time: string; instead?: { rule: string; point: number } }[]
  before: number
  after: number
}

export function printThinned(
  output: Output,
  { kept, dropped, before, after }: Thinned,
  applied: boolean
): void {
  const rows = [
    ...dropped.map(({ point, time, instead }) => ({
      point,
      row: [
        ...[String(point), momentText(time), applied ? 'gone' : 'goes'],
        instead ? `${whyText(instead.rule)}: ${instead.point} stays` : ''
      ]
    })),
    ...kept.map(({ point, time, why }) => ({
      point,
      row: [String(point), momentText(time), 'stays', why.map(whyText).join(', ')]
    }))
  ].sort((a, b) => a.point - b.point)
  output.line(tableText([['point', 'time', '', 'why'], ...rows.map(({ row }) => row)]))
  output.line(
    dropped.length === 0
      ? `All ${before} restore points stay.`
      : `${dropped.length} of ${before} restore points ${applied ? 'are gone' : 'would go'}, ${after} stay.`
  )
}
