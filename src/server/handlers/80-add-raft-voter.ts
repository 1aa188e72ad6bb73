import { Refusal } from '../../protocol/errors.ts'
import {
  type AddRaftVoterRequest,
  addRaftVoter,
} from '../../protocol/messages/80-add-raft-voter.ts'
import { authorize, clusterResource } from '../access.ts'
import { told } from '../controller-refusal.ts'
import { handler } from '../handler.ts'
import { checkCluster, checkReconfigurable, replicaKeyText, votersText } from '../quorum-changes.ts'
import type { Services } from '../services.ts'

/**
 * AddRaftVoter: answered as a quorum of one does that cannot reach the new voter (KIP-853): the
 * controllers of a process speak to nobody outside.
 */
export const handleAddRaftVoter = handler(
  addRaftVoter,
  (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return told(() => refuseVoter(request, services))
  },
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code, errorMessage: null }),
)

function refuseVoter(request: AddRaftVoterRequest, { identity, metadata, settings }: Services) {
  const { clusterId, voterId, voterDirectoryId, listeners } = request
  checkCluster(clusterId, identity)
  if (voterId < 0) {
    throw new Refusal('INVALID_REQUEST', "Add voter request didn't include a valid voter")
  }
  const [name = 'CONTROLLER'] = settings.list('controller.listener.names')
  if (!listeners.some((one) => one.name.toUpperCase() === name.toUpperCase())) {
    const shown = listeners.map(
      (one) => `ListenerName(${one.name})=${one.host}/<unresolved>:${one.port}`,
    )
    throw new Refusal(
      'INVALID_REQUEST',
      `Add voter request didn't include the endpoint (Endpoints(endpoints={${shown.join(', ')}})) ` +
        `for the default listener ListenerName(${name})`,
    )
  }
  const { image } = metadata
  checkReconfigurable(image, 'adding')
  if (image.quorum.voters.some((one) => one.voterId === voterId)) {
    throw new Refusal(
      'DUPLICATE_VOTER',
      `The voter id for ${replicaKeyText(voterId, voterDirectoryId)} is already part of the set of ` +
        `voters ${votersText(image)}.`,
    )
  }
  throw new Refusal(
    'REQUEST_TIMED_OUT',
    'Aborted add voter operation for since API_VERSIONS returned an error BROKER_NOT_AVAILABLE',
  )
}
