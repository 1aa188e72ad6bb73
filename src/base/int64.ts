/**
 * Long.MAX_VALUE and Long.MIN_VALUE as numbers. Both round-trip although 2^63 - 1 is not a double.
 */
export const int64Max = 2 ** 63
export const int64Min = -(2 ** 63)

/** Formats a number as Java prints a long. */
export function int64Text(value: number): string {
  if (value >= int64Max) return '9223372036854775807'
  return Number.isInteger(value) ? String(BigInt(value)) : String(value)
}

const highUnit = 2 ** 32

/** Reads a big-endian int64: exact up to ±2^53, rounded beyond; the two extremes round-trip. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * highUnit + bytes.readUInt32BE(at + 4)
}

/** Writes a big-endian int64; values outside the range of a Java long are clamped. */
export function writeInt64(bytes: Buffer, value: number, at: number): void {
  if (value >= int64Max) {
    bytes.writeInt32BE(0x7fffffff, at)
    bytes.writeInt32BE(-1, at + 4)
  } else if (value <= int64Min) {
    bytes.writeInt32BE(-0x80000000, at)
    bytes.writeInt32BE(0, at + 4)
  } else {
    const high = Math.floor(value / highUnit)
    bytes.writeInt32BE(high, at)
    bytes.writeUInt32BE(value - high * highUnit, at + 4)
  }
}
