import { errorCode } from '../../protocol/errors.ts'
import {
  type DescribeLogDirsResponse,
  describeLogDirs,
} from '../../protocol/messages/35-describe-log-dirs.ts'
import type { Partition } from '../../replication/partition.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

type TopicAnswer = DescribeLogDirsResponse['results'][number]['topics'][number]

/** DescribeLogDirs: where each partition lies, and how large it is (KIP-113, KIP-827). */
export const handleDescribeLogDirs = handler(
  describeLogDirs,
  async (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const asked = request.topics?.map(
      ({ topic, partitions }) => [topic, new Set(partitions)] as const,
    )
    const wanted = asked === undefined ? null : new Map(asked)
    const partitions = [...services.partitions.all()].filter(
      ({ topic, index }) => wanted === null || wanted.get(topic)?.has(index) === true,
    )
    const results = services.logDirs.map(async (dir) => {
      if (dir.isOffline) {
        return { errorCode: errorCode('KAFKA_STORAGE_ERROR'), logDir: dir.path, topics: [] }
      }
      const { totalBytes, usableBytes } = await dir.space()
      const here = partitions.filter(({ name }) => dir.has(name))
      const topics = byTopic(here)
      return { errorCode: 0, logDir: dir.path, topics, totalBytes, usableBytes }
    })
    return { throttleTimeMs: 0, errorCode: 0, results: await Promise.all(results) }
  },
  // Before v3 an empty list is the only way to say no.
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code, results: [] }),
)

function byTopic(partitions: readonly Partition[]): TopicAnswer[] {
  const topics = new Map<string, TopicAnswer['partitions'][number][]>()
  for (const { topic, index, log, highWatermark } of partitions) {
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
