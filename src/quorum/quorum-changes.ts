import type { Image } from '../metadata/image.ts'
import { ApiError } from '../protocol/errors.ts'

/** @throws ApiError INCONSISTENT_CLUSTER_ID if the request names another cluster. */
export function checkCluster(asked: string | null, clusterId: string): void {
  if (asked === null || asked === clusterId) return
  throw new ApiError(
    'INCONSISTENT_CLUSTER_ID',
    `The given id "${asked}" doesn't match the cluster id "${clusterId}"`,
  )
}

/** @throws ApiError UNSUPPORTED_VERSION while the voters are static. */
export function checkReconfigurable({ quorum }: Image, doing: string): void {
  if (quorum.kraftVersion > 0) return
  throw new ApiError(
    'UNSUPPORTED_VERSION',
    `Cluster doesn't support ${doing} voter because the kraft.version feature is 0`,
  )
}

/** Formats the voters as Kafka's messages do. */
export function votersText({ quorum }: Image): string {
  const keys = quorum.voters.map(({ voterId, voterDirectoryId }) =>
    replicaKeyText(voterId, voterDirectoryId),
  )
  return `[${keys.join(', ')}]`
}

export function replicaKeyText(id: number, directoryId: string): string {
  return `ReplicaKey(id=${id}, directoryId=${directoryId})`
}
