/** Chance that can be had again: whole numbers below 2^32, by Mulberry32. Who uses it prints the seed. */
export function seededWords(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** The same as numbers in [0, 1). */
export function seeded(seed: number): () => number {
  const next = seededWords(seed)
  return () => next() / 2 ** 32
}
