// State blocks: which blocks a state reaches. With the endpoint's keys every block is opened as the type that
// its parent says, so chunks are known without being read; without them a walk would have to read all data
// to see that it leads nowhere. What is plain belongs to a base: it is noted, and not entered.

import { RAW, hashOf, type CID } from '../store/block.ts'
import { decodeList, listLinks } from '../store/chunk-list.ts'
import { decodeDirectory } from '../store/directory.ts'
import { HashLog } from '../store/hash-order.ts'
import { pageLinks } from '../store/page.ts'
import { isSealed, unseal, type BlockType, type Keyring } from '../store/seal.ts'
import { demand, type GetOptions, type Source } from '../store/source.ts'

/** What a state reaches, each block once, a parent before what is below it. */
export interface StateBlocks {
  /** Of the endpoint. */
  sealed: HashLog
  /** Of bases, as far as sealed blocks refer to them: where a subtree of a base begins. */
  plain: HashLog
}

interface Typed {
  type: BlockType
  cid: CID
}

/**
 * All that `root` reaches, but for what is in `without` with all below it.
 *
 * @throws {BlockMissing} @throws {NotOpened} @throws {Malformed}
 */
export async function stateBlocks(
  { source, keyring }: { source: Source; keyring: Keyring },
  root: CID,
  { without, signal }: GetOptions & { without?: StateBlocks | undefined } = {}
): Promise<StateBlocks> {
  const found: StateBlocks = { sealed: new HashLog(), plain: new HashLog() }
  const waiting: Typed[] = [{ type: 'top', cid: root }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { type, cid } = next
    const hash = hashOf(cid)
    if (without?.sealed.has(hash) === true || found.sealed.has(hash)) continue
    if (cid.code === RAW) found.plain.add(hash)
    if (cid.code === RAW || found.plain.has(hash)) continue
    if (type === 'chunk') {
      found.sealed.add(hash)
      continue
    }
    const bytes = await demand(source, cid, { signal })
    if (!isSealed(bytes)) {
      found.plain.add(hash)
      continue
    }
    found.sealed.add(hash)
    // The last is taken first: files of a directory before the directories in it.
    waiting.push(...linksOf(type, unseal(keyring, type, bytes).body))
  }
  return found
}

function linksOf(type: BlockType, body: Uint8Array): Typed[] {
  if (type === 'list') {
    const list = decodeList(body)
    return typed(list.level === 0 ? 'chunk' : 'list', listLinks(list))
  }
  const block = decodeDirectory(body)
  if ('node' in block)
    return typed(
      'page',
      block.node.map(({ cid }) => cid)
    )
  const { pages, lists, chunks } = pageLinks(block.page)
  return [...typed('page', pages), ...typed('list', lists), ...typed('chunk', chunks)]
}

function typed(type: BlockType, cids: readonly CID[]): Typed[] {
  return cids.map((cid) => ({ type, cid }))
}
