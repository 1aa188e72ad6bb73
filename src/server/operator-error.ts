import { MalformedCheckpoint } from '../storage/checkpoints.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import { DirectoryLocked, DiskError } from '../storage/disk.ts'
import { BadProperties } from './config/properties.ts'
import { BadConfig } from './config/static-config.ts'
import { BadFormat } from './format/bad-format.ts'
import { CannotListen } from './listener.ts'
import { CannotGoOn } from './start-guard.ts'

/** Whether an error has an external cause and tells the operator in one line what to do. */
export function isOperatorError(error: unknown): boolean {
  return operatorErrors.some((kind) => error instanceof kind)
}

const operatorErrors = [
  BadConfig,
  BadFormat,
  BadProperties,
  CannotGoOn,
  CannotListen,
  CannotUseDirectory,
  DamagedFile,
  DirectoryLocked,
  DiskError,
  MalformedCheckpoint,
]
