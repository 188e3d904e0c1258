// Escrow: an endpoint's root keys, wrapped by age to the mesh's recovery recipient and carried in every
// head. Whoever has the mesh's words can open it on any machine; nobody else can, keepers included. It is
// empty where the owner chose to keep recovery to themselves.

import { decryptWith, encryptTo } from '../../store/age.ts'
import { DrystoneError, NotOpened } from '../../store/errors.ts'
import type { Random } from '../../store/random.ts'
import type { EndpointSecret } from '../home.ts'

const ENDPOINT_BYTES = 16
const ROOT_BYTES = 32

/** Wraps `endpoint ‖ root of each epoch` to a recipient. @throws {Malformed} if that is none. */
export function sealEscrow(
  { endpoint, epochs }: EndpointSecret,
  recipient: string,
  random: Random
): Uint8Array {
  return encryptTo(recipient, Buffer.concat([endpoint, ...epochs]), random)
}

/** @throws {NotOpened} if the identity is not the one that it was sealed to. */
export function openEscrow(escrow: Uint8Array, identity: string): EndpointSecret {
  const secret = decrypt(escrow, identity)
  const rootBytes = secret.length - ENDPOINT_BYTES
  if (rootBytes < ROOT_BYTES || rootBytes % ROOT_BYTES !== 0) {
    throw new NotOpened('the escrow holds no keys')
  }
  const epochs: Uint8Array[] = []
  for (let at = ENDPOINT_BYTES; at < secret.length; at += ROOT_BYTES) {
    epochs.push(secret.slice(at, at + ROOT_BYTES))
  }
  return { endpoint: secret.slice(0, ENDPOINT_BYTES), epochs }
}

function decrypt(escrow: Uint8Array, identity: string): Uint8Array {
  try {
    return decryptWith(identity, escrow)
  } catch (cause) {
    if (!(cause instanceof DrystoneError)) throw cause
    throw new NotOpened('the escrow does not open with these words', {
      next: "If the computer was set up with --own-recovery, use the endpoint's own words.",
      cause
    })
  }
}
