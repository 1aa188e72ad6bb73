import { type ErrorName, errorName } from '../src/protocol/errors.ts'
import { readResponse } from '../src/protocol/frame.ts'
import type { AnyApi } from '../src/protocol/schema.ts'

/** The count of each error code in answers; `closed` for a connection that ended without one. */
export type Answers = ReadonlyMap<ErrorName | 'closed', number>

/** Counts the error codes in the answers of one case, at any place in the body. */
export function answersIn(
  api: AnyApi,
  version: number,
  frames: readonly (Buffer | null)[],
): Answers {
  const counts = new Map<ErrorName | 'closed', number>()
  const count = (name: ErrorName | 'closed') => counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const frame of frames) {
    if (frame === null) count('closed')
    else for (const code of codesIn(readResponse(api, version, frame).body)) count(errorName(code))
  }
  return counts
}

function* codesIn(value: unknown): Generator<number> {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  for (const [name, field] of Object.entries(value)) {
    if (/errorCode$/i.test(name)) yield field as number
    else yield* codesIn(field)
  }
}
