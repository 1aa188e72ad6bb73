import { getTelemetrySubscriptions } from '../../protocol/messages/71-get-telemetry-subscriptions.ts'
import { codecs } from '../../protocol/records/batch.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'
import { telemetryClient } from '../telemetry/telemetry-client.ts'

/** In the client's order of preference. */
const compressions = [codecs.zstd, codecs.lz4, codecs.gzip, codecs.snappy]

/** GetTelemetrySubscriptions: tells a client which metrics to push, and how often (KIP-714). */
export const handleGetTelemetrySubscriptions = handler(
  getTelemetrySubscriptions,
  ({ clientInstanceId }, context, { telemetry, settings }) => {
    const wanted = telemetry.subscribe(
      clientInstanceId,
      telemetryClient(context),
      context.session.closed,
    )
    return {
      errorCode: 0,
      clientInstanceId: wanted.clientInstanceId,
      subscriptionId: wanted.subscriptionId,
      acceptedCompressionTypes: compressions,
      pushIntervalMs: wanted.pushIntervalMs,
      telemetryMaxBytes: settings.int('telemetry.max.bytes'),
      deltaTemporality: true,
      requestedMetrics: wanted.metrics,
    }
  },
  (_request, _context, code) => ({
    errorCode: code,
    clientInstanceId: zeroUuid,
    subscriptionId: 0,
    acceptedCompressionTypes: [],
    pushIntervalMs: 0,
    telemetryMaxBytes: 0,
    deltaTemporality: false,
    requestedMetrics: [],
  }),
)
