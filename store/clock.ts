// The clock port: the only way to learn the time or to wait. With store/random.ts and sim/clock.ts this
// is the only place where timers and Date.now may stand, so that the same code runs in virtual time.

export interface WaitOptions {
  signal?: AbortSignal | undefined
}

export interface Clock {
  /** Wall time, in milliseconds since 1970. It may jump either way; never order events by it. */
  now(): number
  /** Milliseconds since some fixed moment of this process; never falls. */
  monotonic(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason if that comes first. */
  sleep(ms: number, options?: WaitOptions): Promise<void>
  /** A signal that aborts after `ms` milliseconds with a TimeoutError. Call `cancel` when done. */
  timeout(ms: number): { signal: AbortSignal; cancel: () => void }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, { signal } = {}) {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
  timeout(ms) {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'))
    }, ms)
    return { signal: controller.signal, cancel: () => clearTimeout(timer) }
  }
}
