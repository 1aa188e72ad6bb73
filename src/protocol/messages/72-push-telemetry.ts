import {
  api,
  bool,
  bytes,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  uuid,
} from '../schema.ts'

/** PushTelemetry: a client's metrics (KIP-714). */
export const pushTelemetry = api({
  name: 'PushTelemetry',
  key: 72,
  versions: [0, 0],
  flexible: 0,
  request: {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  },
  response: { throttleTimeMs: int32, errorCode: int16 },
})
export type PushTelemetryRequest = Request<typeof pushTelemetry>
export type PushTelemetryResponse = Response<typeof pushTelemetry>
