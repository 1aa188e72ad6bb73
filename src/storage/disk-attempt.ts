import { DiskError } from './disk.ts'

/** Runs an operation and rejects with a `DiskError` if a system call fails. */
export async function attempt<T>(action: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw asDiskError(action, path, error)
  }
}

export function asDiskError(action: string, path: string, error: unknown): unknown {
  const isSystem = typeof (error as { syscall?: unknown } | null)?.syscall === 'string'
  return isSystem ? new DiskError(action, path, error) : error
}

/**
 * Converts a callback API to a promise: cheaper than `fs.promises` on the path of every request.
 */
export function call<T = void>(
  start: (done: (error: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}

/** Returns null if the file does not exist (ENOENT). */
export async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
