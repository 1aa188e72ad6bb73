import type { Image } from '../metadata/image.ts'
import { Refusal } from '../protocol/errors.ts'
import type { Identity } from './services.ts'

/** @throws Refusal INCONSISTENT_CLUSTER_ID where a client means another cluster. */
export function checkCluster(asked: string | null, { clusterId }: Identity): void {
  if (asked === null || asked === clusterId) return
  throw new Refusal(
    'INCONSISTENT_CLUSTER_ID',
    `The given id "${asked}" doesn't match the cluster id "${clusterId}"`,
  )
}

/** @throws Refusal UNSUPPORTED_VERSION while the voters are static. */
export function checkReconfigurable({ quorum }: Image, doing: string): void {
  if (quorum.kraftVersion > 0) return
  throw new Refusal(
    'UNSUPPORTED_VERSION',
    `Cluster doesn't support ${doing} voter because the kraft.version feature is 0`,
  )
}

/** Voters in Kafka's words. */
export function votersText({ quorum }: Image): string {
  const keys = quorum.voters.map(({ voterId, voterDirectoryId }) =>
    replicaKeyText(voterId, voterDirectoryId),
  )
  return `[${keys.join(', ')}]`
}

export function replicaKeyText(id: number, directoryId: string): string {
  return `ReplicaKey(id=${id}, directoryId=${directoryId})`
}
