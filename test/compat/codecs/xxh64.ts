const mask = 0xffff_ffff_ffff_ffffn
const p1 = 0x9e3779b185ebca87n
const p2 = 0xc2b2ae3d27d4eb4fn
const p3 = 0x165667b19e3779f9n
const p4 = 0x85ebca77c2b2ae63n
const p5 = 0x27d4eb2f165667c5n
const rotate = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & mask
const round = (lane: bigint, word: bigint) => (rotate((lane + word * p2) & mask, 31n) * p1) & mask

/** XXH64, seed 0: the checksum of zstd frames, in the simplest form. */
export function xxh64(bytes: Buffer): bigint {
  let at = 0
  let sum: bigint
  if (bytes.length >= 32) {
    const lanes = [(p1 + p2) & mask, p2, 0n, -p1 & mask]
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i]!, bytes.readBigUInt64LE(at + 8 * i))
    }
    const [a, b, c, d] = lanes as [bigint, bigint, bigint, bigint]
    sum = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & mask
    for (const lane of lanes) sum = ((sum ^ round(0n, lane)) * p1 + p4) & mask
  } else sum = p5
  sum = (sum + BigInt(bytes.length)) & mask
  for (; at + 8 <= bytes.length; at += 8) {
    sum = (rotate(sum ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4) & mask
  }
  if (at + 4 <= bytes.length) {
    sum = (rotate(sum ^ ((BigInt(bytes.readUInt32LE(at)) * p1) & mask), 23n) * p2 + p3) & mask
    at += 4
  }
  for (; at < bytes.length; at++)
    sum = (rotate(sum ^ ((BigInt(bytes[at]!) * p5) & mask), 11n) * p1) & mask
  sum = ((sum ^ (sum >> 33n)) * p2) & mask
  sum = ((sum ^ (sum >> 29n)) * p3) & mask
  return sum ^ (sum >> 32n)
}
