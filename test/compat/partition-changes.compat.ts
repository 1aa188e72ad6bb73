import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { partitionChange } from '../../src/metadata/controller/partition-change.ts'
import { directoryOf, randomChanges, rulesOf, topicId } from '../metadata/random-partitions.ts'
import { newSeeds } from '../seeded.ts'
import { compile, startJava } from './kafka/java.ts'

const count = 10_000

/** The record as Kafka's JSON of it shows it: without what is absent. */
function shown(change: ReturnType<typeof randomChanges>[number]): object | null {
  const record = partitionChange(rulesOf(change), change.target)
  if (record === null) return null
  const { directories, ...others } = record.value
  const value = { partitionId: 3, ...others }
  // Before metadata.version 3.7 Kafka writes no directories.
  const isWritten = directories !== undefined && !change.isShrinkAnEpoch
  if (!isWritten && Object.keys(value).length === 2) return null
  return isWritten ? { ...value, directories } : value
}

describe.skipIf(inject('javaMissing') !== null)('changes of partitions', () => {
  test.each(newSeeds())(
    "are those of Kafka's PartitionChangeBuilder (ODRADEK_SEED=%d)",
    async (seed) => {
      const changes = randomChanges(seed, count)
      const ids = [0, 1, 2, 3, 17, 33]
      const defaults = Object.fromEntries(ids.map((id) => [id, directoryOf(id)]))
      const lines = changes.map(({ target, ...change }) => {
        const directories = [...(target.directories ?? [])]
        return JSON.stringify({ ...change, topicId, defaults, target: { ...target, directories } })
      })
      const dir = mkdtempSync(join(tmpdir(), 'partition-changes-'))
      try {
        const file = join(dir, 'changes')
        writeFileSync(file, `${lines.join('\n')}\n`)
        const extra = [await compile()]
        const program = startJava('PartitionChanges', [file], { classes: 'server', extra })
        const { stdout, code } = await program.end(100_000)
        expect(code, program.describe()).toBe(0)
        const theirs = stdout.trim().split('\n')
        expect(theirs).toHaveLength(count)
        const differing = changes.flatMap((change, i) => {
          const [ours, real] = [shown(change), JSON.parse(theirs[i]!)]
          return same(ours, real) ? [] : [{ change, ours, real }]
        })
        expect(differing.slice(0, 1)).toEqual([])
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )
})

const inOrder = (value: object | null) =>
  JSON.stringify(value === null ? null : Object.entries(value).toSorted())

const same = (a: object | null, b: object | null) => inOrder(a) === inOrder(b)
