import { mapWaiting } from '../base/turns.ts'
import { refusedRow } from '../coordinator/share/refused-row.ts'
import type { ShareKey } from '../coordinator/share/share-key.ts'
import { ApiError, defaultMessage, errorName } from '../protocol/errors.ts'
import type { Services } from './services.ts'

interface Asked<P> {
  readonly groupId: string
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly P[] }[]
}

/**
 * Asks the share coordinator about each share partition of a request, and returns the rows by
 * topic. As in Kafka, a request without a group gets none, and of a repeated partition the last row
 * counts.
 *
 * @param what of the error message: `write share group state`.
 */
export async function eachSharePartition<P extends { readonly partition: number }, A>(
  { turns }: Pick<Services, 'turns'>,
  { groupId, topics }: Asked<P>,
  what: string,
  ask: (key: ShareKey, asked: P) => Promise<A>,
) {
  const rows = new Map<string, Map<number, A | ReturnType<typeof refusedRow>>>()
  if (groupId === '') return []
  const all = topics.flatMap(({ topicId, partitions }) =>
    partitions.map((asked) => ({ topicId, asked })),
  )
  await mapWaiting(turns, all, async ({ topicId, asked }) => {
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
  return [...rows].map(([topicId, ofTopic]) => ({ topicId, partitions: [...ofTopic.values()] }))
}

/** Whether a topic without partitions makes Kafka answer nothing at all. */
export function hasEmptyTopic({ topics }: Pick<Asked<unknown>, 'topics'>): boolean {
  return topics.some(({ partitions }) => partitions.length === 0)
}

/** Returns the rows of a request that is refused as a whole. */
export function refusedSharePartitions<P extends { readonly partition: number }>(
  { topics }: Pick<Asked<P>, 'topics'>,
  code: number,
) {
  const error = new ApiError(errorName(code), defaultMessage(errorName(code)))
  return topics.map(({ topicId, partitions }) => ({
    topicId,
    partitions: partitions.map(({ partition }) => refusedRow(partition, error)),
  }))
}
