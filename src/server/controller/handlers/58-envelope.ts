import { assert } from '../../../base/assert.ts'
import type { Piece } from '../../../base/pieces.ts'
import { isAtHand } from '../../../base/pieces.ts'
import { ApiError } from '../../../protocol/errors.ts'
import { peekRequest } from '../../../protocol/frame.ts'
import { envelope } from '../../../protocol/messages/58-envelope.ts'
import { Malformed } from '../../../protocol/schema.ts'
import { authorize, clusterResource } from '../../access.ts'
import { forwardedSession } from '../../envelope.ts'
import { controllerHandler } from '../handler.ts'

const lengthBytes = 4

/**
 * Envelope: a request of a client, forwarded by a broker, which has authenticated the client
 * (KIP-590). Brokers need ClusterAction: they may name any client.
 */
export const handleEnvelope = controllerHandler(
  envelope,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const { requestData } = request
    const session = forwardedSession(request, context.session)
    if (!services.forwardable.has(keyOf(requestData))) {
      throw new ApiError('INVALID_REQUEST', 'The request in the envelope cannot be forwarded.')
    }
    try {
      const pieces = await services.answerForwarded(requestData, session)
      return { errorCode: 0, responseData: joined(pieces ?? []) }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      throw new ApiError('UNSUPPORTED_VERSION', error.message)
    }
  },
  (_request, _context, code) => ({ errorCode: code }),
)

function keyOf(requestData: Buffer): number {
  try {
    return peekRequest(requestData).apiKey
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw new ApiError('INVALID_REQUEST', error.message)
  }
}

/** Returns a response with its header, without its length. */
function joined(pieces: readonly Piece[]): Buffer {
  assert(pieces.every(isAtHand), 'responses of the controller are in memory')
  return Buffer.concat(pieces).subarray(lengthBytes)
}
