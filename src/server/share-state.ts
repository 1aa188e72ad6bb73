import { mapWaiting } from '../base/turns.ts'
import { refusedRow } from '../coordinator/share/refused-row.ts'
import type { ShareKey } from '../coordinator/share/share-key.ts'
import { ApiError, defaultMessage, errorName } from '../protocol/errors.ts'
import { authorize, clusterResource } from './access.ts'
import type { RequestContext } from './request-context.ts'
import type { Services } from './services.ts'

interface Asked<P> {
  readonly groupId: string
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly P[] }[]
}

/** How a request about share partitions is answered. */
interface Answering<P, A> {
  /** Of the error message: `write share group state`. */
  readonly what: string
  /** Whether a topic without partitions makes Kafka answer nothing at all. */
  readonly needsPartitions: boolean
  ask(key: ShareKey, asked: P): Promise<A>
}

/**
 * Asks the share coordinator about each share partition of a request, and returns the rows by
 * topic. As in Kafka, a request without a group gets none, and of a repeated partition the last row
 * counts.
 *
 * @throws (rejects) ApiError CLUSTER_AUTHORIZATION_FAILED
 */
export async function eachSharePartition<P extends { readonly partition: number }, A>(
  { groupId, topics }: Asked<P>,
  context: RequestContext,
  services: Services,
  { what, needsPartitions, ask }: Answering<P, A>,
) {
  authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
  const rows = new Map<string, Map<number, A | ReturnType<typeof refusedRow>>>()
  const isVoid = needsPartitions && topics.some(({ partitions }) => partitions.length === 0)
  if (groupId === '' || isVoid) return { results: [] }
  const all = topics.flatMap(({ topicId, partitions }) =>
    partitions.map((asked) => ({ topicId, asked })),
  )
  await mapWaiting(services.turns, all, async ({ topicId, asked }) => {
    const { partition } = asked
    const row = await ask({ groupId, topicId, partition }, asked).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error
      const detail = `Unable to ${what}: ${error.detail ?? defaultMessage(error.reason)}`
      return refusedRow(partition, new ApiError(error.reason, detail))
    })
    const known = rows.get(topicId)
    if (known === undefined) rows.set(topicId, new Map([[partition, row]]))
    else known.set(partition, row)
  })
  const results = [...rows].map(([topicId, ofTopic]) => ({
    ...{ topicId, partitions: [...ofTopic.values()] },
  }))
  return { results }
}

/** Returns the response to a request that is refused as a whole. */
export function refusedSharePartitions<P extends { readonly partition: number }>(
  { topics }: Pick<Asked<P>, 'topics'>,
  _context: RequestContext,
  code: number,
) {
  const error = new ApiError(errorName(code), defaultMessage(errorName(code)))
  const results = topics.map(({ topicId, partitions }) => ({
    topicId,
    partitions: partitions.map(({ partition }) => refusedRow(partition, error)),
  }))
  return { results }
}
