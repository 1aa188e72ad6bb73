import { randomBytes, randomInt } from 'node:crypto'

/** The only source of randomness in the broker. Simulations use a seeded implementation. */
export interface Random {
  /** Returns an integer in [0, below). */
  int(below: number): number
  /** Returns `count` random bytes. */
  bytes(count: number): Buffer
}

export const systemRandom: Random = {
  int: (below) => randomInt(below),
  bytes: (count) => randomBytes(count),
}
