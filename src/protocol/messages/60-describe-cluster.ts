import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/**
 * DescribeCluster: cluster id, controller and brokers (KIP-700). v1 endpoint type (KIP-919); v2
 * fenced brokers.
 */
export const describeCluster = api({
  name: 'DescribeCluster',
  key: 60,
  versions: [0, 2],
  flexible: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: int8.default(1).since(1),
    includeFencedBrokers: bool.since(2),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    endpointType: int8.default(1).since(1),
    clusterId: string,
    controllerId: int32.default(-1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null),
      isFenced: bool.since(2),
    }),
    clusterAuthorizedOperations: int32.default(-2147483648),
  },
})
export type DescribeClusterRequest = Request<typeof describeCluster>
export type DescribeClusterResponse = Response<typeof describeCluster>
