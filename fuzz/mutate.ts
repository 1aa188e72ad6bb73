import { seeded } from '../test/seeded.ts'

/** A seeded random generator: the same seed gives the same inputs. */
export class Dice {
  private readonly next: () => number

  constructor(seed: number) {
    this.next = seeded(seed)
  }

  /** Returns a number from 0 up to, but excluding, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  oneOf<T>(some: readonly T[]): T {
    return some[this.below(some.length)]!
  }
}

const mutationsMax = 4
/** Maximum size in bytes of a mutated input. */
const inputBytesMax = 64 * 1024

const edgeBytes = [0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff] as const
const edgeLengths = [-1, -2, 0, 1, 0x7fff, 0x8000, 0xffff, 0x7fffffff, -0x80000000, 0xffffff]

const mutations: readonly ((bytes: Buffer, dice: Dice, seeds: readonly Buffer[]) => Buffer)[] = [
  (bytes, dice) => {
    bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8)
    return bytes
  },
  (bytes, dice) => {
    bytes[dice.below(bytes.length)] = dice.oneOf(edgeBytes)
    return bytes
  },
  (bytes, dice) => {
    if (bytes.length >= 4) bytes.writeInt32BE(dice.oneOf(edgeLengths), dice.below(bytes.length - 3))
    return bytes
  },
  (bytes, dice) => {
    if (bytes.length >= 2) {
      bytes.writeInt16BE((dice.oneOf(edgeLengths) << 16) >> 16, dice.below(bytes.length - 1))
    }
    return bytes
  },
  (bytes, dice) => bytes.subarray(0, dice.below(bytes.length)),
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    const end = at + 1 + dice.below(8)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(8)), bytes.subarray(at)])
  },
  // A varint without an end, or with a late end.
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    const varint = Buffer.alloc(1 + dice.below(11), 0xff)
    varint[varint.length - 1] = dice.below(256)
    return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at + 1)])
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    const part = bytes.subarray(at, at + 1 + dice.below(64))
    return Buffer.concat([bytes.subarray(0, at), part, part, bytes.subarray(at)])
  },
  (bytes, dice, seeds) => {
    const other = dice.oneOf(seeds)
    return Buffer.concat([
      bytes.subarray(0, dice.below(bytes.length)),
      other.subarray(dice.below(other.length)),
    ])
  },
]

/** Returns an input made from a seed; sometimes the seed itself or random bytes. */
export function nextInput(dice: Dice, seeds: readonly Buffer[]): Buffer {
  const kind = dice.below(50)
  if (kind === 0) return Buffer.from(dice.oneOf(seeds))
  if (kind === 1) return dice.bytes(dice.below(200))
  let bytes: Buffer = Buffer.from(dice.oneOf(seeds))
  for (let n = 1 + dice.below(mutationsMax); n > 0 && bytes.length > 0; n--) {
    bytes = dice.oneOf(mutations)(bytes, dice, seeds)
  }
  return bytes.length > inputBytesMax ? bytes.subarray(0, inputBytesMax) : bytes
}
