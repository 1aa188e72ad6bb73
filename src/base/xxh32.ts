const p1 = 0x9e3779b1
const p2 = 0x85ebca77
const p3 = 0xc2b2ae3d
const p4 = 0x27d4eb2f
const p5 = 0x165667b1

const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by))
const round = (lane: number, word: number) =>
  Math.imul(rotate((lane + Math.imul(word, p2)) | 0, 13), p1)

/** Returns XXH32 with seed 0, the checksum of lz4 frames (xxHash specification, version 0.8). */
export function xxh32(bytes: Buffer): number {
  const length = bytes.length
  let at = 0
  let sum: number
  if (length >= 16) {
    let [a, b, c, d] = [(p1 + p2) | 0, p2 | 0, 0, -p1 | 0]
    for (; at + 16 <= length; at += 16) {
      a = round(a, bytes.readInt32LE(at))
      b = round(b, bytes.readInt32LE(at + 4))
      c = round(c, bytes.readInt32LE(at + 8))
      d = round(d, bytes.readInt32LE(at + 12))
    }
    sum = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  } else sum = p5
  sum = (sum + length) | 0
  for (; at + 4 <= length; at += 4) {
    sum = Math.imul(rotate((sum + Math.imul(bytes.readInt32LE(at), p3)) | 0, 17), p4)
  }
  for (; at < length; at++) {
    sum = Math.imul(rotate((sum + Math.imul(bytes[at]!, p5)) | 0, 11), p1)
  }
  sum = Math.imul(sum ^ (sum >>> 15), p2)
  sum = Math.imul(sum ^ (sum >>> 13), p3)
  return (sum ^ (sum >>> 16)) >>> 0
}
