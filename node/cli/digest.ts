// `digest`: the digest of a directory on disk, by the same rules as a state. Needs no home and no mesh.
// So a tree can be compared with a restore point on a machine that knows nothing of either.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { toHex } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import { plainSink } from '../../store/sink.ts'
import { archive } from '../archiver.ts'
import { action, withCommonFlags } from './command.ts'
import { EXIT } from './exit.ts'
import { bytesText } from './output.ts'
import { isRoot, openRealTree } from './local-tree.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<dir>', 'the directory')
    .action(
      action(async ({ output, signal }, _, directory: string) => {
        const { digest, count, skipped } = await archive({
          tree: await openRealTree(resolve(directory)),
          clock: systemClock,
          // Only the digest is wanted: nothing is kept.
          sink: plainSink({
            hasEach: async (_, hashes) => hashes.map(() => true),
            put: async () => {},
            putPacked: async () => {}
          }),
          sense: { owners: isRoot },
          signal,
          onProgress: ({ files, bytes }) => {
            output.progress(`${files} files, ${bytesText(bytes)}`, { files, bytes })
          }
        })
        output.line(toHex(digest))
        for (const { path, why } of skipped) output.line(`Left out: ${path}: ${why}`)
        output.result({ digest: toHex(digest), entries: count.entries, skipped })
        return skipped.length > 0 ? EXIT.incomplete : EXIT.done
      })
    )
}
