// The trace: what a line holds, and that the hash is over all of it.

import test from 'ava'
import { Trace } from '../../sim/trace.ts'

function traceOf(notes: (trace: Trace) => void): { lines: string[]; digest: string } {
  const lines: string[] = []
  const trace = new Trace({ now: () => 5, onLine: (line) => lines.push(line) })
  notes(trace)
  return { lines, digest: trace.digest() }
}

test('a line says who did what, with what, and what came of it', (t) => {
  const { lines } = traceOf((trace) => {
    trace.note('nas', 'file.write', ['a', Buffer.from('stone'), 0], 5)
    trace.note('nas', 'disk.open', ['b', 'read'], new RangeError('no'))
    trace.note('nas', 'disk.list', [], ['x', 'y'])
  })
  t.deepEqual(lines, [
    '{"at":5,"who":"nas","what":"file.write","with":["a","5:1920052a",0],"gave":5}',
    '{"at":5,"who":"nas","what":"disk.open","with":["b","read"],"gave":"RangeError"}',
    '{"at":5,"who":"nas","what":"disk.list","gave":"2:8c7a2962"}'
  ])
})

test('one other byte anywhere is another hash', (t) => {
  const write = (text: string) => (trace: Trace) => {
    for (let n = 0; n < 2000; n++) trace.note('nas', 'file.write', [Buffer.from(text)], n)
  }
  const first = traceOf(write('stone'))
  t.is(traceOf(write('stone')).digest, first.digest)
  t.not(traceOf(write('stonf')).digest, first.digest)
})

test('the tail is the last lines, oldest first', (t) => {
  const trace = new Trace({ now: () => 0 })
  for (let n = 0; n < 150; n++) trace.note('nas', `step ${n}`)
  const tail = trace.tail()
  t.is(trace.count, 150)
  t.true(tail.length < 150)
  t.true(tail.at(-1)?.includes('step 149'))
  t.true(tail[0]?.includes(`step ${150 - tail.length}`))
})
