import type { Logger } from '../base/logger.ts'
import { Refusal } from '../protocol/errors.ts'
import { DiskError } from './disk.ts'

/**
 * What readers of a log are told whom the disk fails. The directory stays in use, as in Kafka: one
 * sector that cannot be read must not end what can.
 */
export class ReadFailures {
  private readonly partition: string
  private readonly logger: Logger
  private lastPath: string | null = null

  constructor(partition: string, logger: Logger) {
    this.partition = partition
    this.logger = logger
  }

  /** @throws what is neither a failure of the disk nor a `Refusal` already. */
  refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    if (!(error instanceof DiskError)) throw error
    // A reader comes again and again: once a file is enough.
    if (this.lastPath !== error.path) {
      const fields = { partition: this.partition, why: error.message }
      this.logger.error('a file of the log cannot be read; its readers are refused', fields)
    }
    this.lastPath = error.path
    return new Refusal('UNKNOWN_SERVER_ERROR', error.message)
  }
}
