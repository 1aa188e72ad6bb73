/** A broken promise of our own code. Never caused by a client or a disk: those are answered. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

/** Asserts stay on in production: a broker that lies to itself must stop rather than lose data. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** For the branch that types say cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`)
}
