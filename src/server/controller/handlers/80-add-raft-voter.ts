import { ApiError, defaultMessage, errorName } from '../../../protocol/errors.ts'
import {
  type AddRaftVoterRequest,
  addRaftVoter,
} from '../../../protocol/messages/80-add-raft-voter.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import {
  checkCluster,
  checkReconfigurable,
  replicaKeyText,
  votersText,
} from '../../../quorum/quorum-changes.ts'
import { authorize, clusterResource } from '../../access.ts'
import { told } from '../../controller-refusal.ts'
import { controllerHandler } from '../handler.ts'
import type { ControllerServices } from '../services.ts'

/**
 * AddRaftVoter: refused like in a quorum of one that cannot reach the new voter (KIP-853), since
 * the controllers of a process have no outside connections.
 */
export const handleAddRaftVoter = controllerHandler(
  addRaftVoter,
  (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return told(() => refuseVoter(request, services))
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: defaultMessage(errorName(code)),
  }),
)

function refuseVoter(
  request: AddRaftVoterRequest,
  { identity, metadata, settings }: ControllerServices,
) {
  const { clusterId, voterId, voterDirectoryId, listeners } = request
  checkCluster(clusterId, identity.clusterId)
  if (voterId < 0 || voterDirectoryId === zeroUuid) {
    throw new ApiError('INVALID_REQUEST', "Add voter request didn't include a valid voter")
  }
  const [name = 'CONTROLLER'] = settings.list('controller.listener.names')
  if (!listeners.some((one) => one.name.toUpperCase() === name.toUpperCase())) {
    const shown = listeners.map(
      (one) => `ListenerName(${one.name})=${one.host}/<unresolved>:${one.port}`,
    )
    throw new ApiError(
      'INVALID_REQUEST',
      `Add voter request didn't include the endpoint (Endpoints(endpoints={${shown.join(', ')}})) ` +
        `for the default listener ListenerName(${name})`,
    )
  }
  const { image } = metadata
  checkReconfigurable(image, 'adding')
  if (image.quorum.voters.some((one) => one.voterId === voterId)) {
    throw new ApiError(
      'DUPLICATE_VOTER',
      `The voter id for ${replicaKeyText(voterId, voterDirectoryId)} is already part of the set of ` +
        `voters ${votersText(image)}.`,
    )
  }
  throw new ApiError(
    'REQUEST_TIMED_OUT',
    'Aborted add voter operation for since API_VERSIONS returned an error BROKER_NOT_AVAILABLE',
  )
}
