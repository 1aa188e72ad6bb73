/** What is loaded when somebody first wants it; who does, does without until it is there. */
export class LoadedLater<T> {
  private readonly load: () => Promise<T | null>
  private loaded: T | null | undefined
  private isWanted = false

  /** @param load resolves with null where there is none. */
  constructor(load: () => Promise<T | null>) {
    this.load = load
  }

  /** Undefined until it is there; null where there is none, or no more. */
  get now(): T | null | undefined {
    return this.loaded
  }

  /** As `now`, and has it loaded if nobody has wanted it before. */
  wanted(): T | null | undefined {
    if (this.loaded === undefined && !this.isWanted) {
      this.isWanted = true
      void this.load().then((loaded) => {
        this.loaded = loaded
      })
    }
    return this.loaded
  }

  /** From now on there is none. */
  giveUp(): void {
    this.loaded = null
  }
}
