// Work that runs ahead of whoever begins it: bounded in number, and ended by the first failure. The order in
// which it begins is the order in which it was started; the order in which it ends is nobody's business.

export class Flow {
  readonly #most: number
  readonly #running = new Set<Promise<unknown>>()
  readonly #waiting: (() => void)[] = []
  #failure: { error: unknown } | undefined

  /** @param most pieces of work at once. */
  constructor(most: number) {
    this.#most = most
  }

  /** Resolves when one more piece of work may start. @throws what an earlier piece threw */
  async room(): Promise<void> {
    while (this.#running.size >= this.#most && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#assertWell()
  }

  /** Starts work, which runs up to its first await at once. Its failure is heard by `room` too. */
  start<T>(work: () => Promise<T>): Promise<T> {
    const running = work()
    this.#running.add(running)
    const end = (): void => {
      this.#running.delete(running)
      this.#waiting.shift()?.()
    }
    running.then(end, (error: unknown) => {
      this.#failure ??= { error }
      end()
      for (const resume of this.#waiting.splice(0)) resume()
    })
    return running
  }

  /** Resolves when nothing runs any more. @throws what the first piece that failed threw */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    this.#assertWell()
  }

  #assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** Pieces of work that belong together. */
export class Gathering {
  #open = 1
  #failure: { error: unknown } | undefined
  readonly #ended = Promise.withResolvers<void>()

  follow(work: Promise<unknown>): void {
    this.#open++
    work.then(
      () => this.#close(),
      (error: unknown) => {
        this.#failure ??= { error }
        this.#close()
      }
    )
  }

  /** Resolves when all that was followed has ended. Called once. @throws what the first to fail threw */
  async ended(): Promise<void> {
    this.#close()
    await this.#ended.promise
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #close(): void {
    if (--this.#open === 0) this.#ended.resolve()
  }
}
