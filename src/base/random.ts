import { randomBytes, randomInt } from 'node:crypto'

/** The only source of chance in the broker. A simulation hands in a seeded twin. */
export interface Random {
  /** An integer in [0, below). */
  int(below: number): number
  /** `count` random bytes. */
  bytes(count: number): Buffer
}

export const systemRandom: Random = {
  int: (below) => randomInt(below),
  bytes: (count) => randomBytes(count),
}
