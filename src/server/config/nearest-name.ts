/** Returns the known name closest to an unknown one, at most two edits away, or null. */
export function nearestName(unknown: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = 3
  for (const name of known) {
    const far = distance(name, unknown)
    if (far < bestDistance) [best, bestDistance] = [name, far]
  }
  return best
}

/** Returns `; did you mean NAME?`, or an empty string. */
export function didYouMean(unknown: string, known: Iterable<string>): string {
  const nearest = nearestName(unknown, known)
  return nearest === null ? '' : `; did you mean ${nearest}?`
}

/** Returns the Levenshtein distance up to 2; 3 stands for more. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change))
    }
    row = next
  }
  return row[b.length]!
}
