import type { Random } from '../base/random.ts'

/** Bytes per slot: four words of hash and an offset. */
const slotBytes = 24
const firstSlots = 1024
/** Load factor above which the table grows or, at its maximum size, is full. */
const loadMax = 0.9

/**
 * The newest offset of each key that the cleaner has read, in a table of limited memory. Keys are
 * represented by a 128-bit hash. The hash has a random key, so that clients cannot provoke
 * collisions with other keys.
 */
export class KeyOffsets {
  private readonly slotsMax: number
  private readonly secrets: Uint32Array
  private readonly hash = new Uint32Array(4)
  private slots: number
  private hashes: Uint32Array
  private offsets: Float64Array
  private used = 0

  /** @param bytesMax maximum size of the table in bytes (`log.cleaner.dedupe.buffer.size`). */
  constructor(bytesMax: number, random: Random) {
    this.slotsMax = Math.max(firstSlots, 2 ** Math.floor(Math.log2(bytesMax / slotBytes)))
    this.slots = firstSlots
    this.hashes = new Uint32Array(this.slots * 4)
    this.offsets = new Float64Array(this.slots).fill(-1)
    const bytes = random.bytes(16)
    this.secrets = Uint32Array.from([0, 4, 8, 12], (at) => bytes.readUInt32LE(at))
  }

  get size(): number {
    return this.used
  }

  get memoryBytes(): number {
    return this.slots * slotBytes
  }

  /** Returns the newest offset of the key; -1 if it was never stored. */
  get(key: Uint8Array): number {
    this.digest(key)
    return this.offsets[this.find()]!
  }

  /**
   * Stores the offset of a key; returns false if the key is new and the table is full. Offsets must
   * be ascending.
   */
  put(key: Uint8Array, offset: number): boolean {
    this.digest(key)
    let slot = this.find()
    if (this.offsets[slot]! < 0) {
      if (this.used + 1 > this.slots * loadMax) {
        if (this.slots === this.slotsMax) return false
        this.grow()
        slot = this.find()
      }
      this.hashes.set(this.hash, slot * 4)
      this.used++
    }
    this.offsets[slot] = offset
    return true
  }

  /** Returns the slot of the current hash, or the free slot in which to insert it. */
  private find(): number {
    const { hash, hashes, offsets } = this
    const mask = this.slots - 1
    for (let slot = hash[0]! & mask; ; slot = (slot + 1) & mask) {
      if (offsets[slot]! < 0) return slot
      const at = slot * 4
      const isSame =
        hashes[at] === hash[0] &&
        hashes[at + 1] === hash[1] &&
        hashes[at + 2] === hash[2] &&
        hashes[at + 3] === hash[3]
      if (isSame) return slot
    }
  }

  private grow(): void {
    const [hashes, offsets] = [this.hashes, this.offsets]
    this.slots *= 2
    this.hashes = new Uint32Array(this.slots * 4)
    this.offsets = new Float64Array(this.slots).fill(-1)
    const wanted = Uint32Array.from(this.hash)
    for (let slot = 0; slot < offsets.length; slot++) {
      if (offsets[slot]! < 0) continue
      this.hash.set(hashes.subarray(slot * 4, slot * 4 + 4))
      const to = this.find()
      this.hashes.set(this.hash, to * 4)
      this.offsets[to] = offsets[slot]!
    }
    this.hash.set(wanted)
  }

  private digest(key: Uint8Array): void {
    const [a, b, c, d] = this.secrets
    halfSipHash(key, a!, b!, this.hash, 0)
    halfSipHash(key, c!, d!, this.hash, 2)
  }
}

const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by))

/** Computes HalfSipHash-2-4 with 64 bits: the 32-bit variant of SipHash (Aumasson, Bernstein). */
export function halfSipHash(
  bytes: Uint8Array,
  key0: number,
  key1: number,
  out: Uint32Array,
  at: number,
): void {
  let v0 = key0
  let v1 = key1 ^ 0xee
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0
      v1 = rotate(v1, 5) ^ v0
      v0 = rotate(v0, 16)
      v2 = (v2 + v3) | 0
      v3 = rotate(v3, 8) ^ v2
      v0 = (v0 + v3) | 0
      v3 = rotate(v3, 7) ^ v0
      v2 = (v2 + v1) | 0
      v1 = rotate(v1, 13) ^ v2
      v2 = rotate(v2, 16)
    }
  }
  const { length } = bytes
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  let last = length << 24
  for (let i = whole; i < length; i++) last |= bytes[i]! << (8 * (i & 3))
  v3 ^= last
  rounds(2)
  v0 ^= last
  v2 ^= 0xee
  rounds(4)
  out[at] = v1 ^ v3
  v1 ^= 0xdd
  rounds(4)
  out[at + 1] = v1 ^ v3
}
