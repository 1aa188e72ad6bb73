import { alterPartition } from '../../../metadata/controller/alter-partition.ts'
import { alterPartition as api } from '../../../protocol/messages/56-alter-partition.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** The first version that names the epochs of replicas (KIP-903). */
const epochsSince = 3

/** AlterPartition: a leader changes the ISR of its partitions (KIP-497). */
export const handleAlterPartition = controllerHandler(
  api,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const command = alterPartition(request, context.apiVersion >= epochsSince)
    return { errorCode: 0, topics: await services.metadata.submit(command) }
  },
  (_request, _context, code) => ({ errorCode: code, topics: [] }),
)
