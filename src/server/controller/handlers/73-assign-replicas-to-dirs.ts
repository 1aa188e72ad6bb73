import { assignDirectories } from '../../../metadata/controller/directories.ts'
import { assignReplicasToDirs } from '../../../protocol/messages/73-assign-replicas-to-dirs.ts'
import { controllerHandler } from '../handler.ts'

export const handleAssignReplicasToDirs = controllerHandler(
  assignReplicasToDirs,
  async ({ brokerId, directories }, _context, { metadata }) => {
    const placed = directories.flatMap(({ id, topics }) =>
      topics.flatMap(({ topicId, partitions }) =>
        partitions.map(({ partitionIndex: index }) => ({ topicId, index, directoryId: id })),
      ),
    )
    await metadata.submit(assignDirectories(brokerId, placed))
    return { errorCode: 0, directories: [] }
  },
  (_request, _context, code) => ({ errorCode: code, directories: [] }),
)
