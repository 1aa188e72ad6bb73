import { assignReplicasToDirs } from '../../../metadata/controller/assign-directories.ts'
import { assignReplicasToDirs as api } from '../../../protocol/messages/73-assign-replicas-to-dirs.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** AssignReplicasToDirs: a broker says in which directories its replicas are (KIP-858). */
export const handleAssignReplicasToDirs = controllerHandler(
  api,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const command = assignReplicasToDirs(request)
    return { errorCode: 0, directories: await services.metadata.submit(command) }
  },
  (_request, _context, code) => ({ errorCode: code, directories: [] }),
)
