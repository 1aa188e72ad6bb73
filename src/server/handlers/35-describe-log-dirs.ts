import type { Turns } from '../../base/turns.ts'
import { errorCode } from '../../protocol/errors.ts'
import {
  type DescribeLogDirsResponse,
  describeLogDirs,
} from '../../protocol/messages/35-describe-log-dirs.ts'
import type { Partition } from '../../replication/partition.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

type TopicAnswer = DescribeLogDirsResponse['results'][number]['topics'][number]

/** DescribeLogDirs: returns each partition's directory and size (KIP-113, KIP-827). */
export const handleDescribeLogDirs = handler(
  describeLogDirs,
  async (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const asked = request.topics?.flatMap(({ topic, partitions }) =>
      partitions.map((index) => `${topic}/${index}`),
    )
    const wanted = asked === undefined ? null : new Set(asked)
    const partitions = [...services.partitions.all()].filter(
      ({ topic, index }) => wanted === null || wanted.has(`${topic}/${index}`),
    )
    const results = services.logDirs.map(async (dir) => {
      if (dir.isOffline) {
        return { errorCode: errorCode('KAFKA_STORAGE_ERROR'), logDir: dir.path, topics: [] }
      }
      const { totalBytes, usableBytes } = await dir.space()
      const here = partitions.filter(({ name }) => dir.has(name))
      const topics = await byTopic(here, services.turns)
      return { errorCode: 0, logDir: dir.path, topics, totalBytes, usableBytes }
    })
    return { errorCode: 0, results: await Promise.all(results) }
  },
  // Before v3 an empty list is the only way to refuse.
  (_request, _context, code) => ({ errorCode: code, results: [] }),
)

async function byTopic(partitions: readonly Partition[], turns: Turns): Promise<TopicAnswer[]> {
  const topics = new Map<string, TopicAnswer['partitions'][number][]>()
  for (const { topic, index, log, highWatermark } of partitions) {
    if (turns.isOver()) await turns.next()
    let answers = topics.get(topic)
    if (answers === undefined) topics.set(topic, (answers = []))
    answers.push({
      partitionIndex: index,
      partitionSize: log.segments.sizeBytes,
      offsetLag: Math.max(0, highWatermark - log.logEndOffset),
      isFutureKey: false,
    })
  }
  return [...topics].map(([name, answers]) => ({ name, partitions: answers }))
}
