import { assignDirectories } from '../../metadata/controller/directories.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type AlterReplicaLogDirsResponse,
  alterReplicaLogDirs,
} from '../../protocol/messages/34-alter-replica-log-dirs.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

/** The name of a directory that a replica moves to has this much more than the partition's. */
const futureNameExtra = '.'.length + 32 + '-future'.length
const fileNameMax = 255

/** AlterReplicaLogDirs: moves replicas between the directories of this broker (KIP-113). */
export const handleAlterReplicaLogDirs = handler(
  alterReplicaLogDirs,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const answers = new Map<string, { partitionIndex: number; errorCode: number }[]>()
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const told = answers.get(name) ?? []
        answers.set(name, told)
        for (const partitionIndex of partitions) {
          const error = await move(name, partitionIndex, path, services)
          told.push({ partitionIndex, errorCode: errorCode(error) })
        }
      }
    }
    const results: AlterReplicaLogDirsResponse['results'] = [...answers].map(
      ([topicName, partitions]) => ({ topicName, partitions }),
    )
    return { throttleTimeMs: 0, results }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    results: request.dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: code })),
      })),
    ),
  }),
)

/** The checks of `ReplicaManager.alterReplicaLogDirs`, in their order. */
async function move(
  topic: string,
  index: number,
  path: string,
  { logDirs, partitions, metadata, identity }: Services,
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
  const { brokerId } = identity
  const { directoryId } = target
  await metadata.submit(assignDirectories(brokerId, [{ topicId: state.id, index, directoryId }]))
  return 'NONE'
}
