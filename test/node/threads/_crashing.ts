// A thread that takes its first order and ends: what a bug, or memory that runs out, looks like from the
// main thread.

import { parentPort } from 'node:worker_threads'

parentPort?.on('message', () => {
  throw new Error('out of order')
})
