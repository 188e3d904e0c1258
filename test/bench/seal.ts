// Sealing and opening against what cannot be done without: zstd, and AES-256-GCM of what it leaves. What is
// on top is the synthetic IV, the look whether zstd gives back what it was given, and the padding.

import { createCipheriv, createDecipheriv } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { seal as sealBlock, sealKeys, unseal } from '../../store/seal.ts'
import { mixed, sha256 } from './content.ts'
import type { Bench } from './measure.ts'

const BLOCKS = 48
const BLOCK = 384 << 10
const KEY = sha256(Buffer.from('seal'))
const NONCE = new Uint8Array(12)
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }

export function seal(): Bench[] {
  const bodies = Array.from({ length: BLOCKS }, (_, n) => mixed(BLOCK, n))
  const keys = sealKeys(KEY)
  const keyring = new Map([[0, keys]])
  const sealed = bodies.map((body) => sealBlock(keys, 'chunk', body, []).bytes)
  const boxes = bodies.map(encrypt)
  const amount = BLOCKS * BLOCK
  return [
    {
      ...{ name: 'seal', bare: 'zstd, AES-256-GCM', unit: 'B', amount },
      ours: () => bodies.forEach((body) => void sealBlock(keys, 'chunk', body, [])),
      reference: () => bodies.forEach((body) => void encrypt(body))
    },
    {
      ...{ name: 'unseal', bare: 'AES-256-GCM, zstd', unit: 'B', amount },
      ours: () => sealed.forEach((bytes) => void unseal(keyring, 'chunk', bytes)),
      reference: () => boxes.forEach((box) => void decrypt(box))
    }
  ]
}

interface Box {
  bytes: Buffer
  tag: Buffer
}

function encrypt(body: Uint8Array): Box {
  const cipher = createCipheriv('aes-256-gcm', KEY, NONCE)
  const bytes = Buffer.concat([cipher.update(zstdCompressSync(body, LEVEL)), cipher.final()])
  return { bytes, tag: cipher.getAuthTag() }
}

function decrypt({ bytes, tag }: Box): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', KEY, NONCE, { authTagLength: 16 })
  decipher.setAuthTag(tag)
  return zstdDecompressSync(Buffer.concat([decipher.update(bytes), decipher.final()]))
}
