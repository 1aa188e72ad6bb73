/** A file that is required for a correct start has invalid content. Nothing on disk was changed. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile'
  readonly path: string

  /** @param why completes the sentence "PATH cannot be used: ". */
  constructor(path: string, why: string) {
    super(`${path} cannot be used: ${why}`)
    this.path = path
  }
}
