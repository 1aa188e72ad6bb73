import { ApiError } from '../../protocol/errors.ts'
import { pushTelemetry } from '../../protocol/messages/72-push-telemetry.ts'
import { codecs } from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { handler } from '../handler.ts'
import { telemetryClient } from '../telemetry/telemetry-client.ts'

const codecNames = Object.keys(codecs) as (keyof typeof codecs)[]

/** Maximum ratio of decompressed metrics to the size limit of a push. */
const unfoldedMax = 20

/** @throws ApiError (rejects) INVALID_RECORD for bytes that cannot be decompressed. */
async function plainOf(sent: Buffer, codec: number, bytesMax: number): Promise<Buffer> {
  if (codec === codecs.none) return sent
  try {
    return await decompress(codec, sent, bytesMax)
  } catch (error) {
    if (error instanceof ApiError) throw new ApiError('INVALID_RECORD', error.detail)
    throw error
  }
}

/** PushTelemetry: receives a client's metrics and keeps the newest (KIP-714). */
export const handlePushTelemetry = handler(
  pushTelemetry,
  async (request, context, { telemetry, settings }) => {
    const {
      clientInstanceId,
      compressionType: codec,
      terminating: isTerminating,
      metrics,
    } = request
    const client = telemetryClient(context)
    const bytesMax = settings.int('telemetry.max.bytes')
    const compression = codecNames.find((name) => codecs[name] === codec)
    telemetry.admit(
      {
        clientInstanceId,
        subscriptionId: request.subscriptionId,
        isTerminating,
        isReadable: compression !== undefined,
        bytes: metrics.length,
        bytesMax,
      },
      client,
      context.session.closed,
    )
    if (metrics.length > 0 && compression !== undefined) {
      // The request's bytes belong to its frame; a copy is kept.
      const sent = Buffer.from(metrics)
      telemetry.keep({
        ...client,
        ...{ clientInstanceId, isTerminating, compression },
        metrics: await plainOf(sent, codec, bytesMax * unfoldedMax),
      })
    }
    return { errorCode: 0 }
  },
  (_request, _context, code) => ({ errorCode: code }),
)
