/** A batch that may be appended as it stands. */
export interface Validated {
  /** Exactly one batch, not compressed differently from what the topic demands. */
  readonly bytes: Buffer
  /** -1 unless the topic's timestamps are of log append time; the batch carries it then. */
  readonly logAppendTimeMs: number
}
