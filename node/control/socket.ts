// The local socket, as a Wire: how a command reaches the running peer of its home. The socket lies in a
// folder that only its owner can enter, and the first message carries a token from a file that only its
// owner can read; so another user of the machine can neither connect nor impersonate.

import { createServer, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { WireCut } from '../../protocol/errors.ts'
import type { CallOptions, Wire } from '../../protocol/network.ts'

/** Where the socket lies in a home. */
export const CONTROL_FOLDER = 'control'
const SOCKET_NAME = 'socket'
export const SOCKET_FILE = `${CONTROL_FOLDER}/${SOCKET_NAME}`
const NOBODY = new Uint8Array(32)

/**
 * Calls `use` with a name for the socket of the home at `location`. The name of a Unix socket may have
 * 107 bytes and a home may lie deeper, so it is named from within its folder.
 */
function withSocketName<T>(location: string, use: (name: string) => T): T {
  if (process.platform === 'win32') {
    return use(`\\\\.\\pipe\\drystone-${Buffer.from(location).toString('hex').slice(-180)}`)
  }
  const back = process.cwd()
  process.chdir(join(location, CONTROL_FOLDER))
  try {
    return use(SOCKET_NAME)
  } finally {
    process.chdir(back)
  }
}

/** Listens in the home at `location`; calls `onWire` for each connection. */
export async function listen(
  location: string,
  onWire: (wire: Wire) => void
): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>()
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    onWire(socketWire(socket))
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    withSocketName(location, (name) => listener.listen(name, resolve))
  })
  return {
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const socket of open) socket.destroy()
      })
  }
}

/** Connects to the peer of the home at `location`; undefined if none listens there. */
export async function dial(location: string): Promise<Wire | undefined> {
  const socket = withSocketName(location, (path) => connect({ path, allowHalfOpen: true }))
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socketWire(socket)))
    socket.once('error', () => resolve(undefined))
  })
}

function socketWire(socket: Socket): Wire {
  socket.on('error', () => {})
  const pieces = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    peer: NOBODY,
    async write(bytes, options) {
      if (socket.destroyed) throw new WireCut()
      if (!socket.write(bytes)) await drained(socket, options)
    },
    async read({ signal } = {}) {
      signal?.throwIfAborted()
      const onAbort = (): void => void socket.destroy()
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        const step = await pieces.next()
        return step.done === true ? undefined : step.value
      } catch (cause) {
        throw new WireCut({ cause })
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    async end() {
      await new Promise<void>((resolve) => socket.end(resolve))
    },
    abort() {
      socket.destroy()
    }
  }
}

function drained(socket: Socket, { signal }: CallOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => () => {
      socket.off('drain', onDrain)
      socket.off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      then()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(new WireCut()))
    const onAbort = settle(() => reject(signal?.reason as Error))
    socket.on('drain', onDrain)
    socket.on('close', onClose)
    signal?.addEventListener('abort', onAbort)
  })
}
