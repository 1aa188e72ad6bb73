/** `ODRADEK_SEED=7` or `ODRADEK_SEED=1-60` sets the seeds of all random tests. */
const [first, last = first] = process.env.ODRADEK_SEED?.split('-').map(Number) ?? []
const wholeRange = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const asked = first === undefined ? null : wholeRange(first, last!)

/**
 * Seeds for `test.each`: those of `ODRADEK_SEED`, otherwise a new one. The title of a test ends with
 * `(ODRADEK_SEED=%d)`, so that a failure prints how to repeat it.
 */
export const newSeeds = (): readonly number[] => asked ?? [Math.floor(Math.random() * 2 ** 31)]

/** Like `newSeeds`, but the same `count` seeds by default: for tests with figures of their seeds. */
export const firstSeeds = (count: number, from = 1): readonly number[] =>
  asked ?? wholeRange(from, from + count - 1)

/**
 * Simulations crash at every call for the seeds of `ODRADEK_SEED`, otherwise at every third one from
 * a random one on.
 */
export const crashes =
  asked === null ? { first: 1 + Math.floor(Math.random() * 3), step: 3 } : { first: 1, step: 1 }

/** Returns a generator of integers below 2^32 (Mulberry32); the same seed gives the same ones. */
export function seededWords(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** Like `seededWords`, with numbers in [0, 1). */
export function seeded(seed: number): () => number {
  const next = seededWords(seed)
  return () => next() / 2 ** 32
}
