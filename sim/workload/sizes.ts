// How large files are: most are small, a few hold nearly all the bytes, some are empty, and some so large
// that they are stored in several pieces.

import type { SeededRandom } from '../random.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SPREAD = 1.6
const SMALL_BYTES_MAX = 400 * KIB
/** From here on there is room for a file of several chunks. */
const ROOM_FOR_LARGE = 2 * MIB
const LARGE_SHARE = 0.4

/** The sizes of so many files; together about `bytes`. */
export function fileSizes(random: SeededRandom, files: number, bytes: number): number[] {
  const large = largeSizes(random, files, bytes)
  const left = Math.max(0, bytes - large.reduce((sum, size) => sum + size, 0))
  const weights = Array.from({ length: files - large.length }, (_, i) => {
    // The first two are sure to be there: an empty one, and one too short for a mark.
    return i === 0 || random.chance(0.03) ? 0 : Math.exp(SPREAD * bell(random))
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1
  const most = Math.max(SMALL_BYTES_MAX, (4 * bytes) / files)
  const small = weights.map((weight, i) => {
    return i === 1 ? 1 + random.below(63) : Math.floor(Math.min(most, (weight / total) * left))
  })
  return [...small, ...large]
}

/** The size of one new file, at most `most`. */
export function fileSize(random: SeededRandom, most: number): number {
  if (random.chance(0.03) && most > ROOM_FOR_LARGE) return largeSize(random)
  if (random.chance(0.05)) return random.below(64)
  const size = Math.floor(6 * KIB * Math.exp(SPREAD * bell(random)))
  return Math.min(size, SMALL_BYTES_MAX, Math.max(0, most))
}

export function largeSize(random: SeededRandom): number {
  return Math.floor(random.between(1.15, 1.9) * MIB)
}

function largeSizes(random: SeededRandom, files: number, bytes: number): number[] {
  const sizes: number[] = []
  if (bytes < ROOM_FOR_LARGE) return sizes
  let room = Math.max(LARGE_SHARE * bytes, ROOM_FOR_LARGE)
  while (sizes.length < files / 8) {
    const size = largeSize(random)
    room -= size
    if (room < 0) break
    sizes.push(size)
  }
  return sizes
}

/** A number of the normal distribution (Box and Muller). */
function bell(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()))
  return radius * Math.cos(2 * Math.PI * random.fraction())
}
