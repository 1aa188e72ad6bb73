import { runInTurns } from '../../base/turns.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type AlterReplicaLogDirsRequest,
  alterReplicaLogDirs,
} from '../../protocol/messages/34-alter-replica-log-dirs.ts'
import { authorize, clusterResource } from '../access.ts'
import { byTopic, distinctPartitions } from '../asked-partitions.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

/** Characters added to a partition's directory name while its replica moves. */
const futureNameExtra = '.'.length + 32 + '-future'.length
const fileNameMax = 255

/** AlterReplicaLogDirs: moves replicas between the directories of this broker (KIP-113). */
export const handleAlterReplicaLogDirs = handler(
  alterReplicaLogDirs,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const answers: { topic: string; answer: { partitionIndex: number; errorCode: number } }[] = []
    const distinct = distinctPartitions(partitionsOf(request), ({ index }) => index)
    for (const { topic, asked } of await runInTurns(services.turns, distinct)) {
      const { index: partitionIndex, path } = asked
      const error = await move(topic, partitionIndex, path, services)
      answers.push({ topic, answer: { partitionIndex, errorCode: errorCode(error) } })
    }
    const results = byTopic(answers).map(({ name, partitions }) => ({
      topicName: name,
      partitions,
    }))
    return { results }
  },
  (request, _context, code) => ({
    results: request.dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: code })),
      })),
    ),
  }),
)

function partitionsOf({ dirs }: AlterReplicaLogDirsRequest) {
  return dirs.flatMap(({ path, topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map((index) => ({ topic: name, asked: { index, path } })),
    ),
  )
}

/** Makes the checks of `ReplicaManager.alterReplicaLogDirs`, in their order. */
async function move(
  topic: string,
  index: number,
  path: string,
  { logDirs, partitions, metadata, replicaDirectories }: Services,
): Promise<ErrorName> {
  const name = `${topic}-${index}`
  if (name.length + futureNameExtra > fileNameMax) return 'INVALID_TOPIC_EXCEPTION'
  const target = logDirs.find((dir) => dir.path === path)
  if (target === undefined) return 'LOG_DIR_NOT_FOUND'
  if (target.isOffline) return 'KAFKA_STORAGE_ERROR'
  const state = metadata.image.topics.get(topic)
  if (state === undefined || partitions.get(topic, index) === undefined) {
    const exists = state?.partitions[index] !== undefined
    return exists ? 'REPLICA_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION'
  }
  if (target.has(name)) return 'NONE'
  await partitions.move(state, index, target)
  const { directoryId } = target
  await replicaDirectories.assign([{ topicId: state.id, index, directoryId }])
  await metadata.inStep()
  return 'NONE'
}
