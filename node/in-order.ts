// Work that runs ahead, with results in order: while one result is used, the next few are being made. What
// must not overlap says so, and then runs alone, after all before it.

/** How many pieces of work run at once. */
export const DEFAULT_AHEAD = 8

export interface InOrderInit<T> {
  /** True for an item whose work must find all before it done, and nothing after it begun. */
  isAlone: (item: T) => boolean
  ahead?: number
}

/** The results of `work` on each item, in the order of the items. The first failure ends it. */
export async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  { isAlone, ahead = DEFAULT_AHEAD }: InOrderInit<T>
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  let next = 0
  const start = (): void => {
    const result = work(items[next++] as T)
    // Its failure is heard when its turn comes.
    result.catch(() => undefined)
    running.push(result)
  }
  while (next < items.length || running.length > 0) {
    while (next < items.length && running.length < ahead) {
      if (isAlone(items[next] as T) && running.length > 0) break
      const wasAlone = isAlone(items[next] as T)
      start()
      if (wasAlone) break
    }
    const first = running.shift()
    if (first === undefined) return
    try {
      yield await first
    } catch (error) {
      await Promise.allSettled(running)
      throw error
    }
  }
}
