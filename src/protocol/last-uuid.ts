/**
 * The last id that was read or written, as text and as words. Clients use the same topic id
 * repeatedly, and a conversion between 16 bytes and text costs more than a comparison.
 */
let text = 'AAAAAAAAAAAAAAAAAAAAAA'
let words: readonly [number, number, number, number] = [0, 0, 0, 0]

/** Reads the id at `at` as base64url without padding (Kafka's `Uuid.toString`). */
export function readUuid(buffer: Buffer, at: number): string {
  const a = buffer.readInt32LE(at)
  const b = buffer.readInt32LE(at + 4)
  const c = buffer.readInt32LE(at + 8)
  const d = buffer.readInt32LE(at + 12)
  if (a !== words[0] || b !== words[1] || c !== words[2] || d !== words[3]) {
    text = buffer.toString('base64url', at, at + 16)
    words = [a, b, c, d]
  }
  return text
}

/** Writes the id if it is the last one. @returns false, without writing, for any other. */
export function writeLastUuid(buffer: Buffer, at: number, value: string): boolean {
  if (value !== text) return false
  buffer.writeInt32LE(words[0], at)
  buffer.writeInt32LE(words[1], at + 4)
  buffer.writeInt32LE(words[2], at + 8)
  buffer.writeInt32LE(words[3], at + 12)
  return true
}
