// An endpoint as its owner sees it: its id, the keys of all its epochs, and what they open. The writer has
// one for its own tree; a restore of another computer's history makes one from the escrow.

import { toHex, type Scope } from '../store/block.ts'
import { openPoints, type Head, type Point } from '../store/head.ts'
import { endpointKeys } from '../store/key.ts'
import type { Keyring } from '../store/reader.ts'
import { sealKeys, type SealKeys } from '../store/seal.ts'
import { PointUnknown } from './errors.ts'
import type { EndpointSecret } from './home.ts'

export class Endpoint {
  readonly secret: EndpointSecret
  readonly id: Uint8Array
  /** Where its sealed blocks are filed. */
  readonly scope: Scope
  readonly keyring: Keyring
  #headKey: Uint8Array | undefined

  constructor(secret: EndpointSecret) {
    this.secret = secret
    this.id = secret.endpoint
    this.scope = toHex(secret.endpoint)
    this.keyring = new Map(
      secret.epochs.map((root, epoch) => [epoch, sealKeys(endpointKeys(root).seal, epoch)])
    )
  }

  /** The keys that new content is sealed with. */
  get sealing(): SealKeys {
    const keys = this.keyring.get(this.secret.epochs.length - 1)
    if (keys === undefined) throw new TypeError('an endpoint without keys')
    return keys
  }

  /** The key of the points in a head: of the first epoch, so that any head opens with it. */
  get headKey(): Uint8Array {
    const [root] = this.secret.epochs
    if (root === undefined) throw new TypeError('an endpoint without keys')
    this.#headKey ??= endpointKeys(root).head
    return this.#headKey
  }

  /** The restore points of a head, oldest first. @throws {NotOpened} */
  points(head: Head): Point[] {
    return openPoints(head, this.headKey)
  }

  /** One point, by number or `latest`, or the last not later than a time in milliseconds. */
  point(head: Head, which: number | 'latest' | { notAfter: number }): Point {
    const points = this.points(head)
    const found =
      which === 'latest'
        ? points.at(-1)
        : typeof which === 'number'
          ? points.find(({ number }) => number === which)
          : points.findLast(({ time }) => time <= which.notAfter)
    if (found === undefined) throw new PointUnknown(points.map(({ number }) => number))
    return found
  }
}
