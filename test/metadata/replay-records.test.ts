import { expect, test } from 'vitest'
import { ImageDelta } from '../../src/metadata/delta.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { isReplayed, replayRecord } from '../../src/metadata/replay-records.ts'
import { data, int32, Malformed } from '../../src/protocol/schema.ts'
import { stored } from '../../src/protocol/stored/index.ts'

test('every record type of the metadata log is replayed, or known to have no effect', () => {
  expect(stored.metadata!.filter(({ key }) => !isReplayed(key!)).map(({ name }) => name)).toEqual(
    [],
  )
  expect(stored.metadata!.length).toBeGreaterThan(25)
})

test('a record of an unknown type is refused, not skipped', () => {
  const of = data({ name: 'Later', key: 99, versions: [0, 0], flexible: 0, fields: { id: int32 } })
  const delta = new ImageDelta(emptyImage)
  expect(() => replayRecord(delta, { of, version: 0, value: { id: 1 } }, 7)).toThrow(Malformed)
  expect(delta.offset).toBe(emptyImage.offset)
})
