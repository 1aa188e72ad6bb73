import type { Random } from '../../base/random.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { BrokerSettings } from '../config/settings.ts'
import type { Image } from '../image.ts'
import type { MetadataRecord } from '../records.ts'

/** Result of a command: records to append as one batch, and the answer once they are committed. */
export interface Decision<R> {
  readonly records: readonly MetadataRecord[]
  readonly answer: R
}

/** The state that commands read. `image` already contains all earlier decisions. */
export interface ControllerView {
  readonly image: Image
  readonly settings: BrokerSettings
  readonly random: Random
  readonly nowMs: number
  /** The offset of the decision's first record. */
  readonly nextOffset: number
}

/**
 * A command is a pure function: it reads the view and decides; replaying its records changes the
 * image. A long one yields now and then; no other command is decided meanwhile, so that its view
 * stays valid.
 */
export type Command<R> = (view: ControllerView) => Decision<R> | Generator<void, Decision<R>>

/**
 * Maximum number of records of a user's request; a topic counts as one, and so does each of its
 * configs (Kafka's `QuorumController`).
 */
export const recordsPerRequestMax = 10_000

export const tooManyRecords = 'Unable to perform excessively large batch operation.'

/** @throws ApiError POLICY_VIOLATION for more records than a user's request may have. */
export function checkRecordCount(records: readonly MetadataRecord[]): void {
  if (records.length <= recordsPerRequestMax) return
  throw new ApiError('POLICY_VIOLATION', tooManyRecords)
}

/**
 * Asks the quota of controller mutations for permits, one for each partition.
 * @throws ApiError THROTTLING_QUOTA_EXCEEDED
 */
export type TakePermits = (partitions: number) => void

/** Returns a random type 4 uuid in Kafka's format, without a leading dash (`Uuid.randomUuid`). */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
