/** A directory cannot be formatted: the message says why, and nothing was written. */
export class BadFormat extends Error {
  override readonly name = 'BadFormat'
}
