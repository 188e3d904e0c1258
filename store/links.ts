// Links: which blocks a block refers to. A sealed block says so itself, in the clear; a plain one is read as
// what its parent takes it for, and a chunk refers to nothing, whatever its bytes look like. Closures,
// sweeps and repairs all walk by these, so they agree on what a root reaches.

import { DAG_CBOR, RAW, cidFromHash, hashOf, type CID, type Hash } from './block.ts'
import { decodeList, listLinks } from './chunk-list.ts'
import { decodeDirectory } from './directory.ts'
import { Malformed } from './errors.ts'
import { pageLinks } from './page.ts'
import { isSealed, sealedLinks } from './seal.ts'

/** What a block is taken for: its parent says so. A sealed block says its own links. */
export type Kind = 'directory' | 'list' | 'chunk' | 'sealed'

export interface Ref {
  hash: Hash
  kind: Kind
}

/** A file may hold the very bytes of a page: taken for a chunk it has nothing below it. */
export function keyOf({ hash, kind }: Ref): string {
  return `${kind} ${Buffer.from(hash).toString('latin1')}`
}

export function cidOfRef({ hash, kind }: Ref): CID {
  return cidFromHash(kind === 'chunk' ? RAW : DAG_CBOR, hash)
}

/** What a block refers to, read as `kind`. @throws {Malformed} if it is not that. */
export function childrenOf(kind: Kind, bytes: Uint8Array): Ref[] {
  if (kind === 'chunk') return []
  if (kind === 'sealed') {
    if (!isSealed(bytes)) throw new Malformed('a block that should be sealed is not')
    return sealedLinks(bytes).links.map((hash) => ({ hash, kind: 'sealed' }))
  }
  if (kind === 'list') {
    const list = decodeList(bytes)
    return refs(listLinks(list), list.level === 0 ? 'chunk' : 'list')
  }
  const block = decodeDirectory(bytes)
  if ('node' in block)
    return refs(
      block.node.map(({ cid }) => cid),
      'directory'
    )
  const { pages, lists, chunks } = pageLinks(block.page)
  return [...refs(chunks, 'chunk'), ...refs(lists, 'list'), ...refs(pages, 'directory')]
}

function refs(cids: readonly CID[], kind: Kind): Ref[] {
  return cids.map((cid) => ({ hash: hashOf(cid), kind }))
}
