/** A broker that cannot go on while it starts: its directories have failed, or its id is taken. */
export class CannotGoOn extends Error {
  override readonly name = 'CannotGoOn'
}

/** Ends a start when the broker cannot go on; once it has started, `halt` is called instead. */
export class StartGuard {
  private readonly halted: (why: string) => void
  private readonly failed: Promise<never>
  private fail: (error: CannotGoOn) => void = () => {}
  private hasStarted = false

  /** @param halted called for a broker that has started. */
  constructor(halted: (why: string) => void) {
    this.halted = halted
    this.failed = new Promise((_, reject) => {
      this.fail = reject
    })
    // Without this, a failure between two steps would be an unhandled rejection.
    this.failed.catch(() => {})
  }

  readonly halt = (why: string): void => {
    if (this.hasStarted) this.halted(why)
    else this.fail(new CannotGoOn(why))
  }

  /** @throws (rejects) CannotGoOn, or as `step`. */
  during<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.failed])
  }

  started(): void {
    this.hasStarted = true
  }
}
