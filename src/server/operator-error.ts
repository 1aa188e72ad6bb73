import { MalformedCheckpoint } from '../storage/checkpoints.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import { DirectoryLocked, DiskError } from '../storage/disk.ts'
import { BadProperties } from './config/properties.ts'
import { BadConfig } from './config/static-config.ts'
import { BadFormat } from './format/bad-format.ts'
import { CannotListen } from './listener.ts'

/** Whether an error is the world's and says in one line what the operator can do about it. */
export function isOperatorError(error: unknown): boolean {
  return operatorErrors.some((kind) => error instanceof kind)
}

const operatorErrors = [
  BadConfig,
  BadFormat,
  BadProperties,
  CannotListen,
  CannotUseDirectory,
  DirectoryLocked,
  DiskError,
  MalformedCheckpoint,
]
