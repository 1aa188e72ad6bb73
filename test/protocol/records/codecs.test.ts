import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { endlessTurn, type Turns } from '../../../src/base/turns.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { logConfigDefaults } from '../../../src/storage/log-config.ts'
import { validate } from '../../../src/storage/validate.ts'
import { batchOf, casesOf, type Verdicts } from '../../compat/codecs/cases.ts'
import { timestampMs } from '../../compat/codecs/plain.ts'

/** Verdicts of Apache Kafka 4.4.0 and its consumer, from `test/compat/codecs.compat.ts`. */
const verdicts: Verdicts = JSON.parse(
  readFileSync(new URL('../../golden/codecs.json', import.meta.url), 'utf8'),
)

/** A loop whose turn is always over. */
const shortTurn: Turns = { isOver: () => true, next: () => Promise.resolve() }

async function isTaken(bytes: Buffer, turns: Turns): Promise<boolean> {
  const config = { ...logConfigDefaults, maxMessageBytes: 2_000_000 }
  try {
    await validate(bytes, { partition: 't-0', config, nowMs: timestampMs, turns })
    return true
  } catch (error) {
    if (error instanceof ApiError) return false
    throw error
  }
}

test.each(casesOf)('%s is read as Kafka reads it', async (codec, make) => {
  const cases = await make()
  expect(verdicts[codec]!.length).toBe(cases.length)
  const wrong: string[] = []
  for (const [i, one] of cases.entries()) {
    const expected = verdicts[codec]![i] === '1'
    for (const turns of [endlessTurn, shortTurn]) {
      if ((await isTaken(batchOf(one, codec), turns)) !== expected) wrong.push(one.title)
    }
  }
  expect(wrong).toEqual([])
})
