/** Invalid command line arguments: the message says what is wrong. */
export class BadUsage extends Error {
  override readonly name = 'BadUsage'
}
