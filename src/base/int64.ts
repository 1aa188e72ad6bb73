/** Long.MAX_VALUE and Long.MIN_VALUE as numbers: they round-trip although 2^63 - 1 itself is no double. */
export const int64Max = 2 ** 63
export const int64Min = -(2 ** 63)

const highUnit = 2 ** 32

/** A big-endian int64: exact to +-2^53, rounded beyond; the two extremes round-trip. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * highUnit + bytes.readUInt32BE(at + 4)
}

/** Writes `value` as a big-endian int64; beyond the range of a Java long it saturates. */
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
