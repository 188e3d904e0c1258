// A process of its own that reads the whole corpus, every sample by its format and by every other one, and
// says what memory that took. It is started with a small heap: a parser that makes room for what a length
// says, or that takes a hundred bytes for one, ends it.

import { readCorpus } from '../../_corpus/text.ts'
import { verdictOf } from './_format.ts'
import { FORMATS } from './_formats.ts'

const CROSSED_BYTES_MAX = 2000

const samples = FORMATS.map((format) => ({
  format,
  all: [...readCorpus('valid', format.name), ...readCorpus('nasty', format.name)]
}))
const before = process.resourceUsage().maxRSS
let read = 0
for (const { format, all } of samples) {
  for (const { bytes } of all) {
    await verdictOf(format, bytes)
    read++
    // What belongs elsewhere is as nasty as anything: only the large ones are left out, to save time.
    if (bytes.length > CROSSED_BYTES_MAX) continue
    for (const other of FORMATS) await verdictOf(other, bytes)
  }
}
const grownBytes = (process.resourceUsage().maxRSS - before) * 1024
console.log(JSON.stringify({ read, grownBytes }))
