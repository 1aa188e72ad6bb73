/**
 * A violated invariant of the broker's own code. Errors of clients or disks are never this: they
 * are answered.
 */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

/** Checks an invariant, also in production: a broker in a wrong state must stop, not lose data. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** Marks a branch that is unreachable according to its types. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`)
}
