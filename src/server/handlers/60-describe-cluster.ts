import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { clusterResource, operationsIfAsked } from '../access.ts'
import { checkEndpointType, refusedDescription } from '../endpoint-types.ts'
import { anyAliveId, nodeOf } from '../endpoints.ts'
import { handler } from '../handler.ts'

/** DescribeCluster (KIP-700): a broker's listener returns brokers only (KIP-919). */
export const handleDescribeCluster = handler(
  describeCluster,
  (request, context, services) => {
    checkEndpointType(request.endpointType, 'brokers')
    const { image } = services.metadata
    const brokers = [...image.brokers.values()].flatMap((broker) => {
      const node = nodeOf(broker, context.session)
      if (node === null || (broker.fenced && !request.includeFencedBrokers)) return []
      const { id: brokerId, host, port, rack } = node
      return [{ brokerId, host, port, rack, isFenced: broker.fenced }]
    })
    return {
      errorCode: 0,
      clusterId: services.identity.clusterId,
      controllerId: anyAliveId(image, context.session, services.random.int),
      brokers,
      clusterAuthorizedOperations: operationsIfAsked(
        request.includeClusterAuthorizedOperations,
        services,
        context,
        'cluster',
        clusterResource,
      ),
    }
  },
  ({ endpointType }, _context, code) => refusedDescription(code, endpointType, 'brokers'),
)
