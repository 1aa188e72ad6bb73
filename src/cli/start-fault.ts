import { isOperatorError } from '../server/operator-error.ts'

/** Returns why a start has failed: a line for the operator, or the stack of a fault in here. */
export function startFault(error: unknown): string {
  const { code, message, stack } = error as NodeJS.ErrnoException
  return isOperatorError(error) || typeof code === 'string' ? message : (stack ?? message)
}
