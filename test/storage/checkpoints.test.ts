import { beforeEach, describe, expect, test } from 'vitest'
import { MalformedCheckpoint, OffsetCheckpoint } from '../../src/storage/checkpoints.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'

describe('an offset checkpoint', () => {
  let disk: MemoryDisk
  let checkpoint: OffsetCheckpoint
  beforeEach(async () => {
    disk = new MemoryDisk(() => 0)
    await disk.makeDirectory('d')
    checkpoint = new OffsetCheckpoint(disk, 'd/checkpoint')
  })
  const holds = (text: string) => disk.writeFileAtomically('d/checkpoint', Buffer.from(text))

  test('that is not there, or that Kafka has made and not written to yet, has no rows', async () => {
    expect(await checkpoint.read()).toEqual(new Map())
    await holds('')
    expect(await checkpoint.read()).toEqual(new Map())
  })

  test('has a row a partition', async () => {
    await holds('0\n2\nt 0 5\na-b 12 9\n')
    const rows = new Map([
      ['t-0', 5],
      ['a-b-12', 9],
    ])
    expect(await checkpoint.read()).toEqual(rows)
  })

  test.each(['0\n2\nt 0 5\n', '1\n0\n', '0\n1\nt 0 5', 'words'])('%j is refused', async (text) => {
    await holds(text)
    await expect(checkpoint.read()).rejects.toThrow(MalformedCheckpoint)
  })
})
