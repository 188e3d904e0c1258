// Those who wait for a change: each is woken once, by whatever comes next, and looks again for itself
// whether it may go on.

export class Waiting {
  readonly #wakes = new Set<() => void>()

  wake(): void {
    for (const wake of this.#wakes) wake()
  }

  /** Resolves when woken; rejects with the signal's reason if that comes first. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const settle = (): void => {
        this.#wakes.delete(wake)
        signal?.removeEventListener('abort', onAbort)
      }
      const wake = (): void => {
        settle()
        resolve()
      }
      const onAbort = (): void => {
        settle()
        reject(signal?.reason as Error)
      }
      this.#wakes.add(wake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
