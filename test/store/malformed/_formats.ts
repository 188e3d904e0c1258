// Every format that a parser of store/ reads. A new parser comes here, with a file of valid samples and one
// of nasty ones, and meets every property by that.

import { BLOCK_FORMATS } from './_block-formats.ts'
import { FILE_FORMATS } from './_file-formats.ts'
import type { Format } from './_format.ts'
import { INDEX_FORMATS } from './_index-formats.ts'
import { SIGNED_FORMATS } from './_signed-formats.ts'
import { TEXT_FORMATS } from './_text-formats.ts'

export const FORMATS: readonly Format[] = [
  ...BLOCK_FORMATS,
  ...SIGNED_FORMATS,
  ...FILE_FORMATS,
  ...INDEX_FORMATS,
  ...TEXT_FORMATS
]
