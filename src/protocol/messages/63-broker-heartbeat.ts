import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  uuid,
} from '../schema.ts'

/** BrokerHeartbeat. */
export const brokerHeartbeat = api({
  name: 'BrokerHeartbeat',
  key: 63,
  versions: [0, 2],
  flexible: 0,
  request: {
    brokerId: int32,
    brokerEpoch: int64.default(-1),
    currentMetadataOffset: int64,
    wantFence: bool,
    wantShutDown: bool,
    offlineLogDirs: array(uuid).since(1).tagged(0),
    cordonedLogDirs: array(uuid).nullable().default(null).since(2).tagged(1),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    isCaughtUp: bool.default(false),
    isFenced: bool.default(true),
    shouldShutDown: bool,
  },
})
export type BrokerHeartbeatRequest = Request<typeof brokerHeartbeat>
export type BrokerHeartbeatResponse = Response<typeof brokerHeartbeat>
