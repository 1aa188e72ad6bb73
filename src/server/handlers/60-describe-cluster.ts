import { ApiError, errorCode } from '../../protocol/errors.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { clusterResource, operationsIfAsked } from '../access.ts'
import { anyAliveId, nodeOf } from '../endpoints.ts'
import { handler } from '../handler.ts'

const endpointTypes = { brokers: 1, controllers: 2 } as const

/** DescribeCluster (KIP-700): a broker's listener returns brokers only (KIP-919). */
export const handleDescribeCluster = handler(
  describeCluster,
  (request, context, services) => {
    if (request.endpointType === endpointTypes.controllers) {
      throw new ApiError('MISMATCHED_ENDPOINT_TYPE')
    }
    if (request.endpointType !== endpointTypes.brokers) {
      throw new ApiError('UNSUPPORTED_ENDPOINT_TYPE')
    }
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
  (request, _context, code) => ({
    errorCode: code,
    errorMessage: describeFault(code, request.endpointType),
    clusterId: '',
    brokers: [],
  }),
)

function describeFault(code: number, endpointType: number): string | null {
  if (code === errorCode('MISMATCHED_ENDPOINT_TYPE')) {
    return 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
  }
  return code === errorCode('UNSUPPORTED_ENDPOINT_TYPE')
    ? `Unsupported endpoint type ${endpointType}`
    : null
}
