import { describe, expect, test } from 'vitest'
import { partitionChange } from '../../src/metadata/controller/partition-change.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../../src/metadata/records.ts'
import { changed } from '../../src/metadata/replay-records.ts'
import type { PartitionChangeRecord } from '../../src/protocol/stored/metadata/05-partition-change-record.ts'
import { newSeeds } from '../seeded.ts'
import { randomChanges, rulesOf } from './random-partitions.ts'

const casesPerSeed = 5000

/** Returns a partition after a change, as every replica of the log sees it. */
function after(change: ReturnType<typeof randomChanges>[number]) {
  const record = partitionChange(rulesOf(change), change.target)
  if (record === null) return { record: null, partition: change.partition }
  const { value } = decodeMetadataRecord(encodeMetadataRecord(record))
  const read = value as unknown as PartitionChangeRecord
  return { record: read, partition: changed(change.partition, read) }
}

const missing = (all: readonly number[], some: readonly number[]) =>
  some.filter((id) => !all.includes(id))

describe.each(newSeeds())('changes of a partition (ODRADEK_SEED=%d)', (seed) => {
  const cases = randomChanges(seed, casesPerSeed).map((change) => ({ change, ...after(change) }))
  const broken = (isBroken: (one: (typeof cases)[number]) => boolean) => cases.filter(isBroken)[0]

  test('a leader is in the ISR, and alive if it is new', () => {
    expect(
      broken(({ partition, change, record }) => {
        const { leader, isr } = partition
        const isNew = leader !== change.partition.leader && record !== null
        return isNew && leader !== -1 && !(isr.includes(leader) && change.alive.includes(leader))
      }),
    ).toBeUndefined()
  })

  test('only who has all committed records is elected cleanly', () => {
    expect(
      broken(({ partition, change }) => {
        const { leader, leaderRecoveryState } = partition
        const before = change.partition
        const had = [...(change.target.isr ?? before.isr), ...before.isr]
        const may = [...had, ...before.eligibleLeaderReplicas]
        const isNew = leader !== before.leader && leader !== -1
        // The request itself says whether a leader has recovered.
        const isSaid = change.target.leaderRecoveryState !== undefined
        return isNew && !may.includes(leader) && leaderRecoveryState !== 1 && !isSaid
      }),
    ).toBeUndefined()
  })

  test('nobody leads only if nobody may', () => {
    expect(
      broken(({ partition, change }) => {
        const { leader, isr, eligibleLeaderReplicas: elr } = partition
        const candidates = isr.length > 0 ? isr : elr
        // Without eligible replicas an ISR is kept when its last member leaves.
        const isKept = !change.hasElr && change.target.isr?.length === 0
        return !isKept && leader === -1 && candidates.some((id) => change.alive.includes(id))
      }),
    ).toBeUndefined()
  })

  test('epochs rise: of the partition with each change, of the leader with each that is named', () => {
    expect(
      broken(({ partition, change, record }) => {
        const { leaderEpoch, partitionEpoch, leader } = change.partition
        const isNamed = record !== null && record.leader !== -2
        return (
          partition.partitionEpoch !== partitionEpoch + (record === null ? 0 : 1) ||
          partition.leaderEpoch !== leaderEpoch + (isNamed ? 1 : 0) ||
          (partition.leader !== leader && !isNamed)
        )
      }),
    ).toBeUndefined()
  })

  test('who is eligible is not in the ISR, and nobody is while the ISR is large enough', () => {
    expect(
      broken(({ partition, change }) => {
        const { isr, eligibleLeaderReplicas: elr } = partition
        // Whoever is elected while there is no ISR leaves the others eligible.
        const wanted = change.target.isr ?? change.partition.isr
        const isLarge = Math.min(isr.length, wanted.length) >= change.minIsr
        return elr.some((id) => isr.includes(id)) || (elr.length > 0 && (isLarge || !change.hasElr))
      }),
    ).toBeUndefined()
  })

  test('who leaves an ISR that is too small stays eligible, unless it lost records', () => {
    expect(
      broken(({ partition, change }) => {
        const { isr, eligibleLeaderReplicas: elr, leaderRecoveryState } = partition
        const { partition: before, hasElr, target, minIsr } = change
        const isUnclean = leaderRecoveryState === 1 && before.leaderRecoveryState === 0
        const isSmall = isr.length < minIsr && (target.isr ?? before.isr).length < minIsr
        const left = missing(isr, before.isr).filter((id) => id !== target.uncleanShutdown)
        const isMoving = before.removingReplicas.length + before.addingReplicas.length > 0
        const wasUnclean = before.leaderRecoveryState === 1
        if (!hasElr || isUnclean || wasUnclean || !isSmall || isMoving) return false
        return missing(elr, left).length > 0
      }),
    ).toBeUndefined()
  })

  test('who came back without its records is neither in sync nor eligible', () => {
    expect(
      broken(({ partition, change }) => {
        const { uncleanShutdown: lost, election } = change.target
        if (lost === undefined || !change.hasElr || election === 'unclean') return false
        const { isr, eligibleLeaderReplicas: elr, leaderRecoveryState } = partition
        // As the last leader it may be elected again, at the price of what it lost.
        return elr.includes(lost) || (isr.includes(lost) && leaderRecoveryState !== 1)
      }),
    ).toBeUndefined()
  })

  test('a directory for each replica, and a record only for what changes', () => {
    expect(
      broken(({ partition, record }) => {
        const isEmpty =
          record !== null &&
          record.leader === -2 &&
          record.leaderRecoveryState === -1 &&
          Object.values(record).every((value) => value === null || typeof value !== 'object')
        return partition.directories.length !== partition.replicas.length || isEmpty
      }),
    ).toBeUndefined()
  })
})
