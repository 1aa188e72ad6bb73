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
  uuid,
} from '../schema.ts'

/** GetTelemetrySubscriptions: which client metrics to push, and how often (KIP-714). */
export const getTelemetrySubscriptions = api({
  name: 'GetTelemetrySubscriptions',
  key: 71,
  versions: [0, 0],
  flexible: 0,
  request: { clientInstanceId: uuid },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    clientInstanceId: uuid,
    subscriptionId: int32,
    acceptedCompressionTypes: array(int8),
    pushIntervalMs: int32,
    telemetryMaxBytes: int32,
    deltaTemporality: bool,
    requestedMetrics: array(string),
  },
})
export type GetTelemetrySubscriptionsRequest = Request<typeof getTelemetrySubscriptions>
export type GetTelemetrySubscriptionsResponse = Response<typeof getTelemetrySubscriptions>
