/** A small simulation that gets into the same state by the same actions. */
export interface World {
  /** The actions that are possible next. */
  actions(): readonly string[]
  perform(action: string): void
  /** Equal for states that are equivalent. */
  fingerprint(): string
  /** Checks the invariants. @throws an Error that names the violated one. */
  check(): void
  /** Lets every participant finish normally. @throws if that does not end. */
  settle(): void
}

export interface Explored {
  readonly states: number
  readonly transitions: number
  readonly depth: number
}

/** A violation, and the actions that lead to it. */
export class Violation extends Error {
  readonly path: readonly string[]

  constructor(cause: unknown, path: readonly string[]) {
    super(`${cause instanceof Error ? cause.message : String(cause)}\n  after ${path.join(', ')}`)
    this.path = path
  }
}

/**
 * Explores all interleavings breadth first, up to a depth and a number of states. Checks every
 * state, and that every state comes to rest. Each step starts from a new simulation, which is slow
 * but needs no undo.
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
