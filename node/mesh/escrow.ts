// Escrow: an endpoint's root keys, wrapped by age to the mesh's recovery recipient and carried in every
// head. Whoever has the mesh's words can open it on any machine; nobody else can, keepers included. It is
// empty where the owner chose to keep recovery to themselves.

import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption'
import type { Clock } from '../../store/clock.ts'
import { NotOpened } from '../../store/errors.ts'
import type { EndpointSecret } from '../home.ts'

const ENDPOINT_BYTES = 16
const ROOT_BYTES = 32

/** The recipient (`age1…`) that belongs to a recovery identity. */
export function recoveryRecipient(identity: string, clock: Clock): Promise<string> {
  return clock.outside(identityToRecipient(identity))
}

/** Wraps `endpoint ‖ root of each epoch` to a recipient. */
export async function sealEscrow(
  { endpoint, epochs }: EndpointSecret,
  recipient: string,
  clock: Clock
): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return clock.outside(encrypter.encrypt(Buffer.concat([endpoint, ...epochs])))
}

/** @throws {NotOpened} if the identity is not the one that it was sealed to. */
export async function openEscrow(
  escrow: Uint8Array,
  identity: string,
  clock: Clock
): Promise<EndpointSecret> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  let secret: Uint8Array
  try {
    secret = await clock.outside(decrypter.decrypt(escrow))
  } catch (cause) {
    throw new NotOpened('the escrow does not open with these words', {
      next: "If the computer was set up with --own-recovery, use the endpoint's own words.",
      cause
    })
  }
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
