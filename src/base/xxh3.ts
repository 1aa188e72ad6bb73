/**
 * Returns XXH3 with 64 bits and seed 0, with which Kafka hashes the topics of a group
 * (`Utils.computeTopicHash`). After the xxHash specification, version 0.8. Intended for short
 * inputs that are hashed rarely.
 */
export function xxh3(bytes: Buffer): bigint {
  const length = bytes.byteLength
  if (length <= 16) return hashTiny(bytes, length)
  if (length <= 128) return hashShort(bytes, length)
  if (length <= 240) return hashMedium(bytes, length)
  return hashLong(bytes, length)
}

const mask = 0xffff_ffff_ffff_ffffn
const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f' +
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)
const prime32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const
const prime64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const
const mix1 = 0x165667919e3779f9n
const mix2 = 0x9fb21c651e98df25n

const at = (bytes: Buffer, position: number) => bytes.readBigUInt64LE(position)
const key = (position: number) => secret.readBigUInt64LE(position)
const shifted = (value: bigint, by: bigint) => value ^ (value >> by)
const rotated = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & mask
const times = (a: bigint, b: bigint) => (a * b) & mask

/** XORs the two halves of the 128-bit product. */
function folded(a: bigint, b: bigint): bigint {
  const product = a * b
  return (product & mask) ^ (product >> 64n)
}

function avalanche(hash: bigint): bigint {
  return shifted(times(shifted(hash, 37n), mix1), 32n)
}

function avalanche64(hash: bigint): bigint {
  return shifted(times(shifted(times(shifted(hash, 33n), prime64[1]), 29n), prime64[2]), 32n)
}

function byteSwapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE(0)
}

function hashTiny(bytes: Buffer, length: number): bigint {
  const size = BigInt(length)
  if (length > 8) {
    const low = at(bytes, 0) ^ key(24) ^ key(32)
    const high = at(bytes, length - 8) ^ key(40) ^ key(48)
    return avalanche((size + byteSwapped(low) + high + folded(low, high)) & mask)
  }
  if (length >= 4) {
    const first = BigInt(bytes.readUInt32LE(0))
    const last = BigInt(bytes.readUInt32LE(length - 4))
    let hash = (last + (first << 32n)) ^ key(8) ^ key(16)
    hash ^= rotated(hash, 49n) ^ rotated(hash, 24n)
    hash = times(hash, mix2)
    hash ^= (hash >> 35n) + size
    return shifted(times(hash & mask, mix2), 28n)
  }
  if (length > 0) {
    const [first, middle, last] = [bytes[0]!, bytes[length >> 1]!, bytes[length - 1]!]
    const all = BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0)
    return avalanche64(all ^ BigInt((secret.readUInt32LE(0) ^ secret.readUInt32LE(4)) >>> 0))
  }
  return avalanche64(key(56) ^ key(64))
}

function mixed(bytes: Buffer, position: number, secretAt: number): bigint {
  return folded(at(bytes, position) ^ key(secretAt), at(bytes, position + 8) ^ key(secretAt + 8))
}

function hashShort(bytes: Buffer, length: number): bigint {
  let sum = times(BigInt(length), prime64[0])
  for (let i = (length - 1) >> 5; i >= 0; i--) {
    sum += mixed(bytes, 16 * i, 32 * i) + mixed(bytes, length - 16 * (i + 1), 32 * i + 16)
  }
  return avalanche(sum & mask)
}

function hashMedium(bytes: Buffer, length: number): bigint {
  let sum = times(BigInt(length), prime64[0])
  const rounds = length >> 4
  for (let i = 0; i < 8; i++) sum += mixed(bytes, 16 * i, 16 * i)
  sum = avalanche(sum & mask)
  for (let i = 8; i < rounds; i++) sum += mixed(bytes, 16 * i, 16 * (i - 8) + 3)
  return avalanche((sum + mixed(bytes, length - 16, 136 - 17)) & mask)
}

const stripeBytes = 64
const stripesABlock = (secret.byteLength - stripeBytes) / 8
const blockBytes = stripeBytes * stripesABlock

function accumulate(sums: bigint[], bytes: Buffer, position: number, secretAt: number): void {
  for (let i = 0; i < 8; i++) {
    const value = at(bytes, position + 8 * i)
    const keyed = value ^ key(secretAt + 8 * i)
    sums[i ^ 1] = (sums[i ^ 1]! + value) & mask
    sums[i] = (sums[i]! + (keyed & 0xffff_ffffn) * (keyed >> 32n)) & mask
  }
}

function scramble(sums: bigint[]): void {
  const secretAt = secret.byteLength - stripeBytes
  sums.forEach((sum, i) => {
    sums[i] = times(shifted(sum, 47n) ^ key(secretAt + 8 * i), prime32[0])
  })
}

function hashLong(bytes: Buffer, length: number): bigint {
  const [p1, p2, p3, p4, p5] = prime64
  const sums = [prime32[2], p1, p2, p3, p4, prime32[1], p5, prime32[0]]
  const blocks = Math.floor((length - 1) / blockBytes)
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < stripesABlock; i++) {
      accumulate(sums, bytes, block * blockBytes + i * stripeBytes, 8 * i)
    }
    scramble(sums)
  }
  const rest = Math.floor((length - 1 - blocks * blockBytes) / stripeBytes)
  for (let i = 0; i < rest; i++) {
    accumulate(sums, bytes, blocks * blockBytes + i * stripeBytes, 8 * i)
  }
  accumulate(sums, bytes, length - stripeBytes, secret.byteLength - stripeBytes - 7)
  let hash = times(BigInt(length), p1)
  for (let i = 0; i < 4; i++) {
    hash += folded(sums[2 * i]! ^ key(11 + 16 * i), sums[2 * i + 1]! ^ key(11 + 16 * i + 8))
  }
  return avalanche(hash & mask)
}
