import { registerBroker } from '../../../metadata/controller/register-broker.ts'
import { brokerRegistration } from '../../../protocol/messages/62-broker-registration.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** The first version that says whether the broker had shut down cleanly (KIP-966). */
const shutdownSince = 3

/** BrokerRegistration: a broker joins the cluster, fenced (KIP-631). */
export const handleBrokerRegistration = controllerHandler(
  brokerRegistration,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const options = {
      request,
      clusterId: services.identity.clusterId,
      knowsShutdown: context.apiVersion >= shutdownSince,
      isSameProcess: context.session.isSameProcess,
    }
    const brokerEpoch = await services.metadata.submit(registerBroker(options, services.sessions))
    return { errorCode: 0, brokerEpoch }
  },
  (_request, _context, code) => ({ errorCode: code }),
)
