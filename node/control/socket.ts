// The local socket, as a Wire: how a command reaches the running peer of its home. The socket lies in a
// folder that only its owner can enter, and the first message carries a token from a file that only its
// owner can read; so another user of the machine can neither connect nor impersonate.

import { createServer, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../../store/block.ts'
import { WireCut } from '../../protocol/errors.ts'
import type { CallOptions, Wire } from '../../protocol/network.ts'

/** Unix socket paths end at 107 bytes. */
const SOCKET_PATH_MAX = 100
const NOBODY = new Uint8Array(32)

/** Where the control socket of a home lies; outside the home if its path is too long for a socket. */
export function socketPlace(location: string, id: Uint8Array): { folder: string; path: string } {
  if (process.platform === 'win32') {
    const path = `\\\\.\\pipe\\drystone-${toHex(id)}`
    return { folder: '', path }
  }
  const folder = join(location, 'control')
  const path = join(folder, 'socket')
  if (path.length <= SOCKET_PATH_MAX) return { folder, path }
  const short = join(tmpdir(), `drystone-${toHex(id)}`)
  return { folder: short, path: join(short, 'socket') }
}

/** Listens; calls `onWire` for each connection. */
export async function listen(
  path: string,
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
    listener.listen(path, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const socket of open) socket.destroy()
      })
  }
}

/** Connects; undefined if nobody listens there. */
export async function dial(path: string): Promise<Wire | undefined> {
  const socket = connect({ path, allowHalfOpen: true })
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
        const { done, value } = await pieces.next()
        return done === true ? undefined : value
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
