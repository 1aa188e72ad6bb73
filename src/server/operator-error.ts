import { DirectoryLocked, DiskError } from '../storage/disk.ts'
import { BadProperties } from './config/properties.ts'
import { BadConfig } from './config/static-config.ts'
import { CannotListen } from './listener.ts'

/** Whether an error is the world's and says in one line what the operator can do about it. */
export function isOperatorError(error: unknown): boolean {
  return [BadConfig, BadProperties, CannotListen, DirectoryLocked, DiskError].some(
    (kind) => error instanceof kind,
  )
}
