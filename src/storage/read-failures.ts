import type { Logger } from '../base/logger.ts'
import { ApiError } from '../protocol/errors.ts'
import { DiskError } from './disk.ts'

/**
 * Errors for readers of a log whose files cannot be read. The directory stays online, as in Kafka:
 * one unreadable sector must not make the other data unavailable.
 */
export class ReadFailures {
  private readonly partition: string
  private readonly logger: Logger
  private lastPath: string | null = null

  constructor(partition: string, logger: Logger) {
    this.partition = partition
    this.logger = logger
  }

  /**
   * Converts an error to an ApiError.
   *
   * @throws the error if it is neither a DiskError nor an ApiError.
   */
  refusalOf(error: unknown): ApiError {
    if (error instanceof ApiError) return error
    if (!(error instanceof DiskError)) throw error
    // Logged once per file, because readers retry.
    if (this.lastPath !== error.path) {
      const fields = { partition: this.partition, why: error.message }
      this.logger.error('a file of the log cannot be read; its readers are refused', fields)
    }
    this.lastPath = error.path
    return new ApiError('UNKNOWN_SERVER_ERROR', error.message)
  }
}
