interface Waiter {
  /** The first request that may answer it. */
  readonly from: number
  readonly resolve: () => void
  readonly reject: (why: Error) => void
}

/** Callers that wait for an answer to a request sent after their call. */
export class Refreshes {
  private readonly waiters = new Set<Waiter>()
  private requests = 0
  private ended: Error | null = null

  /** Whether a caller waits for the next request. */
  get isAsked(): boolean {
    return this.waiters.size > 0
  }

  /** @throws (rejects) the error passed to `end`. */
  async next(): Promise<void> {
    if (this.ended !== null) throw this.ended
    const from = this.requests + 1
    await new Promise<void>((resolve, reject) => this.waiters.add({ from, resolve, reject }))
  }

  /** Counts a request; returns its number. */
  sent(): number {
    return ++this.requests
  }

  /** Resolves the waiters that a request answers. */
  answered(request: number): void {
    for (const waiter of this.waiters) {
      if (waiter.from > request) continue
      this.waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** Rejects all waiters, also later ones. */
  end(why: Error): void {
    this.ended ??= why
    for (const { reject } of this.waiters) reject(this.ended)
    this.waiters.clear()
  }
}
