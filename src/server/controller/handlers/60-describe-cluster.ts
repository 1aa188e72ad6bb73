import { describeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { clusterResource, operationsIfAsked } from '../../access.ts'
import { checkEndpointType, refusedDescription } from '../../endpoint-types.ts'
import { controllerHandler } from '../handler.ts'

/** DescribeCluster of a controller: returns controllers only (KIP-919). */
export const handleDescribeControllers = controllerHandler(
  describeCluster,
  (request, context, services) => {
    const { endpointType } = request
    checkEndpointType(endpointType, 'controllers')
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
  ({ endpointType }, _context, code) => refusedDescription(code, endpointType, 'controllers'),
)
