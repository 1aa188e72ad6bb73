import { Refusal } from '../../protocol/errors.ts'
import { pushTelemetry } from '../../protocol/messages/72-push-telemetry.ts'
import { codecs } from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { handler } from '../handler.ts'
import { telemetryClient } from '../telemetry/telemetry-client.ts'

/** What compressed metrics may unfold to, as many times the limit of what is sent. */
const unfoldedMax = 20

/** PushTelemetry: a client's metrics, of which the newest are kept (KIP-714). */
export const handlePushTelemetry = handler(
  pushTelemetry,
  async (request, context, { telemetry, settings }) => {
    const { clientInstanceId, subscriptionId, terminating: isTerminating, metrics } = request
    const client = telemetryClient(context)
    telemetry.admit({ clientInstanceId, subscriptionId, isTerminating, client })
    const bytesMax = settings.int('telemetry.max.bytes')
    if (metrics.length > bytesMax) throw new Refusal('TELEMETRY_TOO_LARGE')
    const { compressionType: codec } = request
    if (!Object.values<number>(codecs).includes(codec)) {
      throw new Refusal('UNSUPPORTED_COMPRESSION_TYPE')
    }
    if (metrics.length > 0) {
      // The request's bytes belong to its frame; what is kept is a copy.
      const sent = Buffer.from(metrics)
      const plain =
        codec === codecs.none ? sent : await decompress(codec, sent, bytesMax * unfoldedMax)
      telemetry.keep(clientInstanceId, client, plain)
    }
    return { throttleTimeMs: 0, errorCode: 0 }
  },
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code }),
)
