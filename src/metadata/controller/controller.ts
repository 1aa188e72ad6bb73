import type { Random } from '../../base/random.ts'
import type { BrokerSettings } from '../config/settings.ts'
import type { Image } from '../image.ts'
import type { MetadataRecord } from '../records.ts'

/** What a command decides: records to append as one batch, and the answer once they are committed. */
export interface Decision<R> {
  readonly records: readonly MetadataRecord[]
  readonly answer: R
}

/** What commands look at. `image` already holds all that was decided before. */
export interface ControllerView {
  readonly image: Image
  readonly settings: BrokerSettings
  readonly random: Random
  readonly nowMs: number
  /** The offset that the decision's first record will get. */
  readonly nextOffset: number
}

/** A command is a pure function: it reads the view and chooses; replaying its records changes. */
export type Command<R> = (view: ControllerView) => Decision<R>

/** A random type 4 uuid in Kafka's text form; never one that starts with a dash (`Uuid.randomUuid`). */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
