import { heartbeat } from '../../../metadata/controller/heartbeat.ts'
import { brokerHeartbeat } from '../../../protocol/messages/63-broker-heartbeat.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** BrokerHeartbeat: a broker is alive, and asks what it may do (KIP-631). */
export const handleBrokerHeartbeat = controllerHandler(
  brokerHeartbeat,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const { sessions, metadata } = services
    const kind = context.session.isSameProcess ? 'sameProcess' : 'remote'
    sessions.contact(request.brokerId, request.brokerEpoch, kind)
    return { errorCode: 0, ...(await metadata.submit(heartbeat(request, sessions))) }
  },
  (_request, _context, code) => ({ errorCode: code, shouldShutDown: false }),
)
