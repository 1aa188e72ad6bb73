/** A value that is loaded on first use. */
export class LoadedOnce<T> {
  private readonly load: () => T
  private loaded: { readonly value: T } | null = null

  constructor(load: () => T) {
    this.load = load
  }

  get value(): T {
    this.loaded ??= { value: this.load() }
    return this.loaded.value
  }
}
