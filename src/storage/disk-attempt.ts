import { DiskError } from './disk.ts'

/** Has what the operating system refuses rejected as a `DiskError`. */
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
