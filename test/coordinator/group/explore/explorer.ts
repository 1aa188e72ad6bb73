/** A small world that can be put into any state by doing the same things again. */
export interface World {
  /** All that could happen next. */
  actions(): readonly string[]
  perform(action: string): void
  /** The same for states that cannot be told apart. */
  fingerprint(): string
  /** @throws with words when something that must always hold does not. */
  check(): void
  /** Everybody goes on as they should. @throws when that does not come to rest. */
  settle(): void
}

export interface Explored {
  readonly states: number
  readonly transitions: number
  readonly depth: number
}

/** What went wrong, and how to get there. */
export class Violation extends Error {
  readonly path: readonly string[]

  constructor(cause: unknown, path: readonly string[]) {
    super(`${cause instanceof Error ? cause.message : String(cause)}\n  after ${path.join(', ')}`)
    this.path = path
  }
}

/**
 * Breadth first through all interleavings, up to a depth and a number of states. Every state is
 * checked; from every state the world must come to rest. Made anew for each step: slow but honest.
 */
export function explore(
  make: () => World,
  o: { readonly depth: number; readonly statesMax: number },
): Explored {
  const seen = new Set<string>()
  let frontier: readonly (readonly string[])[] = [[]]
  let transitions = 0
  let depth = 0
  const at = (path: readonly string[]) => {
    const world = make()
    for (const action of path) world.perform(action)
    return world
  }
  seen.add(make().fingerprint())
  while (frontier.length > 0 && depth < o.depth && seen.size < o.statesMax) {
    depth++
    const next: (readonly string[])[] = []
    for (const path of frontier) {
      for (const action of at(path).actions()) {
        if (seen.size >= o.statesMax) break
        const longer = [...path, action]
        transitions++
        try {
          const world = at(longer)
          world.check()
          const fingerprint = world.fingerprint()
          if (seen.has(fingerprint)) continue
          seen.add(fingerprint)
          next.push(longer)
          world.settle()
        } catch (error) {
          throw new Violation(error, longer)
        }
      }
    }
    frontier = next
  }
  return { states: seen.size, transitions, depth }
}
