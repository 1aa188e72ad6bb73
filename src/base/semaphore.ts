/** Limits concurrency to `width`; further callers wait in order. */
export class Semaphore {
  private readonly width: number
  private inside = 0
  private readonly waiting: (() => void)[] = []

  constructor(width: number) {
    this.width = width
  }

  /** Resolves when the caller may proceed. Each caller must call `leave` afterwards. */
  enter(): Promise<void> {
    if (this.inside < this.width) {
      this.inside++
      return Promise.resolve()
    }
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  leave(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.inside--
    else next()
  }
}
