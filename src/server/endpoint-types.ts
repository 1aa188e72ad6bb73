import { ApiError, errorCode } from '../protocol/errors.ts'

/** The kinds of nodes that DescribeCluster may ask for (KIP-919). */
export const endpointTypes = { brokers: 1, controllers: 2 } as const

type ServedType = keyof typeof endpointTypes

/**
 * Checks that a listener serves the kind of nodes that a DescribeCluster asks for.
 * @throws ApiError MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE
 */
export function checkEndpointType(asked: number, served: ServedType): void {
  if (asked === endpointTypes[served]) return
  const isKnown = Object.values<number>(endpointTypes).includes(asked)
  throw new ApiError(isKnown ? 'MISMATCHED_ENDPOINT_TYPE' : 'UNSUPPORTED_ENDPOINT_TYPE')
}

/** Returns the response to a DescribeCluster that is refused. */
export function refusedDescription(code: number, asked: number, served: ServedType) {
  return {
    errorCode: code,
    errorMessage: faultText(code, asked, served),
    clusterId: '',
    brokers: [],
  }
}

function faultText(code: number, asked: number, served: ServedType): string | null {
  if (code === errorCode('MISMATCHED_ENDPOINT_TYPE')) {
    const [sent, wanted] =
      served === 'brokers' ? ['BROKER', 'CONTROLLER'] : ['CONTROLLER', 'BROKER']
    return `The request was sent to an endpoint of type ${sent}, but we wanted an endpoint of type ${wanted}`
  }
  return code === errorCode('UNSUPPORTED_ENDPOINT_TYPE')
    ? `Unsupported endpoint type ${asked}`
    : null
}
