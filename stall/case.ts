import type { ErrorName } from '../src/protocol/errors.ts'
import type { AnyApi } from '../src/protocol/schema.ts'
import type { Sender } from './sender.ts'

/** A request of maximum size, and its preparation. */
export interface StallCase {
  readonly title: string
  readonly api: AnyApi
  readonly version: number
  /**
   * Returns requests to send on one connection, each after the answer to the previous one. It
   * prepares their requirements through the sender, which is not measured; `run` counts from 0 and
   * makes names unique.
   */
  readonly bodies: (sender: Sender, run: number) => readonly object[] | Promise<readonly object[]>
  /** Why the case may exceed the goal. */
  readonly reason?: string
  /** Error codes that the answers must contain (NONE). */
  readonly expects?: readonly ErrorName[]
  /** Whether all bodies are sent at once, without waiting for answers. */
  readonly isPipelined?: boolean
  /** Whether each body is sent on its own connection, all at once. */
  readonly isSpread?: boolean
  /** A flood: so many connections send all bodies at once, for `floodMs`; first answers are kept. */
  readonly connections?: number
}

/** How long a flood lasts (ms). */
export const floodMs = 15_000

/** A case of one request that is sent once. */
export const one = (
  title: string,
  api: AnyApi,
  version: number,
  body: (sender: Sender, run: number) => object | Promise<object>,
  more: Partial<StallCase> = {},
): StallCase => ({
  title: `${api.name}: ${title}`,
  api,
  version,
  bodies: async (sender, run) => [await body(sender, run)],
  ...more,
})
