import { Refusal } from '../../protocol/errors.ts'
import { pushTelemetry } from '../../protocol/messages/72-push-telemetry.ts'
import { codecs } from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { handler } from '../handler.ts'
import { telemetryClient } from '../telemetry/telemetry-client.ts'

const codecNames = Object.keys(codecs) as (keyof typeof codecs)[]

/** What compressed metrics may unfold to, as many times the limit of what is sent. */
const unfoldedMax = 20

/** @throws Refusal (rejects) INVALID_RECORD for what cannot be decompressed. */
async function plainOf(sent: Buffer, codec: number, bytesMax: number): Promise<Buffer> {
  if (codec === codecs.none) return sent
  try {
    return await decompress(codec, sent, bytesMax)
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal('INVALID_RECORD', error.detail)
    throw error
  }
}

/** PushTelemetry: a client's metrics, of which the newest are kept (KIP-714). */
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
      context.connection.closed,
    )
    if (metrics.length > 0 && compression !== undefined) {
      // The request's bytes belong to its frame; what is kept is a copy.
      const sent = Buffer.from(metrics)
      telemetry.keep({
        ...client,
        ...{ clientInstanceId, isTerminating, compression },
        metrics: await plainOf(sent, codec, bytesMax * unfoldedMax),
      })
    }
    return { throttleTimeMs: 0, errorCode: 0 }
  },
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code }),
)
