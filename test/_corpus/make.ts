// Makes the corpus anew: `node test/_corpus/make.ts`. What stands in valid/ was written by an earlier code
// and must be read by every later one, so run this to add samples, and look at what it changes: a sample
// that changed is a format that changed. (Bytes that zstd packed differ with its version; keep the old.)
// What is in nasty/ was written by hand.

import { writeFileSync } from 'node:fs'
import { blockSamples } from './make-blocks.ts'
import { fileSamples } from './make-files.ts'
import { signedSamples } from './make-records.ts'
import { corpusPath, writeCorpus } from './text.ts'

const MADE = { ...blockSamples(), ...signedSamples(), ...(await fileSamples()) }

for (const [format, samples] of Object.entries(MADE)) {
  const opening = `${format}: must be read, and written again in the same bytes (make.ts)`
  writeFileSync(corpusPath('valid', format), writeCorpus(opening, samples))
  console.log(`${format}: ${samples.length} samples`)
}
