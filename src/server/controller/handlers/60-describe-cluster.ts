import { ApiError, errorCode } from '../../../protocol/errors.ts'
import { describeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { clusterResource, operationsIfAsked } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

const endpointTypes = { brokers: 1, controllers: 2 } as const

/** DescribeCluster of a controller: returns controllers only (KIP-919). */
export const handleDescribeControllers = controllerHandler(
  describeCluster,
  (request, context, services) => {
    const { endpointType } = request
    if (endpointType === endpointTypes.brokers) throw new ApiError('MISMATCHED_ENDPOINT_TYPE')
    if (endpointType !== endpointTypes.controllers) throw new ApiError('UNSUPPORTED_ENDPOINT_TYPE')
    const { identity, metadata } = services
    const controllers = [...metadata.image.controllers.values()].flatMap(({ id, endpoints }) => {
      const own = endpoints.find(({ name }) => name === context.session.listenerName)
      return own === undefined ? [] : [{ brokerId: id, host: own.host, port: own.port, rack: null }]
    })
    return {
      errorCode: 0,
      endpointType,
      clusterId: identity.clusterId,
      controllerId: identity.nodeId,
      brokers: controllers,
      clusterAuthorizedOperations: operationsIfAsked(
        request.includeClusterAuthorizedOperations,
        services,
        context,
        'cluster',
        clusterResource,
      ),
    }
  },
  ({ endpointType }, _context, code) => ({
    errorCode: code,
    errorMessage: faultText(code, endpointType),
    clusterId: '',
    brokers: [],
  }),
)

function faultText(code: number, endpointType: number): string | null {
  if (code === errorCode('MISMATCHED_ENDPOINT_TYPE')) {
    return 'The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER'
  }
  return code === errorCode('UNSUPPORTED_ENDPOINT_TYPE')
    ? `Unsupported endpoint type ${endpointType}`
    : null
}
