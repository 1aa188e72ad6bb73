import type {
  Election,
  PartitionRules,
  PartitionTarget,
} from '../../src/metadata/controller/partition-change.ts'
import type { PartitionState } from '../../src/metadata/image.ts'
import { seeded } from '../seeded.ts'

/** A partition, and a change of it, as plain values. */
export interface RandomChange {
  readonly partition: PartitionState
  readonly alive: readonly number[]
  readonly minIsr: number
  readonly hasElr: boolean
  readonly isShrinkAnEpoch: boolean
  readonly target: PartitionTarget
}

export const topicId = 'EAAAAAAAAAAAAAAAAAAAAA'

export function directoryOf(id: number): string {
  return Buffer.from(`directory of ${id}`.padEnd(16, '.').slice(-16)).toString('base64url')
}

const newDirectory = Buffer.from('a new directory.').toString('base64url')

/** Returns random partitions and changes, as a controller may meet them. */
export function randomChanges(seed: number, count: number): RandomChange[] {
  const random = seeded(seed)
  const below = (n: number) => Math.floor(random() * n)
  const chance = (p: number) => random() < p
  const shuffled = <T>(all: readonly T[]): T[] => {
    const copy = [...all]
    for (let i = copy.length - 1; i > 0; i--) {
      const j = below(i + 1)
      ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
    }
    return copy
  }
  const some = <T>(all: readonly T[], p = 0.6): T[] => shuffled(all).filter(() => chance(p))
  const pick = <T>(all: readonly T[]): T => all[below(all.length)]!

  const partitionOf = (hasElr: boolean): PartitionState => {
    const replicas = shuffled([0, 1, 2, 3, 17, 33]).slice(0, 1 + below(5))
    const isr = some(replicas)
    const isLed = isr.length > 0 && chance(0.75)
    const isMoving = chance(0.3)
    const others = replicas.filter((id) => !isr.includes(id))
    return {
      replicas,
      isr,
      eligibleLeaderReplicas: hasElr ? some(others, 0.5) : [],
      lastKnownElr: hasElr && !isLed && chance(0.7) ? some(replicas, 0.4).slice(0, 2) : [],
      removingReplicas: isMoving ? some(replicas, 0.3).toSorted((a, b) => a - b) : [],
      addingReplicas: isMoving ? some(replicas, 0.3).toSorted((a, b) => a - b) : [],
      directories: replicas.map(directoryOf),
      leader: isLed ? pick(isr) : -1,
      leaderEpoch: below(10),
      partitionEpoch: below(20),
      leaderRecoveryState: below(2),
    }
  }

  const targetOf = ({ replicas, isr, leaderRecoveryState }: PartitionState): PartitionTarget => {
    const election = pick<Election>(['online', 'online', 'preferred', 'unclean'])
    const gone = pick(replicas)
    switch (below(6)) {
      case 0:
        return { election }
      case 1:
        return { election, isr: isr.filter((id) => id !== gone) }
      case 2:
        return { election, isr: isr.filter((id) => id !== gone), uncleanShutdown: gone }
      case 3:
        return {
          election,
          isr: some(replicas),
          leaderRecoveryState: chance(0.5) ? 0 : leaderRecoveryState,
        }
      case 4: {
        const wanted = shuffled([0, 1, 2, 3, 17, 33]).slice(0, 1 + below(4))
        const removing = replicas.filter((id) => !wanted.includes(id))
        const adding = wanted.filter((id) => !replicas.includes(id))
        return { replicas: [...wanted, ...removing], removing, adding }
      }
      default:
        return { directories: new Map([[gone, newDirectory]]) }
    }
  }

  return Array.from({ length: count }, () => {
    const hasElr = chance(0.7)
    const partition = partitionOf(hasElr)
    return {
      ...{ partition, hasElr, isShrinkAnEpoch: !hasElr && chance(0.3) },
      alive: some(partition.replicas, 0.7),
      minIsr: 1 + below(partition.replicas.length),
      target: targetOf(partition),
    }
  })
}

export function rulesOf(change: RandomChange): PartitionRules {
  return {
    ...{ topicId, partitionId: 3, partition: change.partition, minIsr: change.minIsr },
    ...{ hasElr: change.hasElr, isShrinkAnEpoch: change.isShrinkAnEpoch },
    mayLead: (id) => change.alive.includes(id),
    defaultDirectory: directoryOf,
  }
}
