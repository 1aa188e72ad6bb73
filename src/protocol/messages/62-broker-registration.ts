import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/** BrokerRegistration. */
export const brokerRegistration = api({
  name: 'BrokerRegistration',
  key: 62,
  versions: [0, 4],
  flexible: 0,
  request: {
    brokerId: int32,
    clusterId: string,
    incarnationId: uuid,
    listeners: array({ name: string, host: string, port: uint16, securityProtocol: int16 }),
    features: array({ name: string, minSupportedVersion: int16, maxSupportedVersion: int16 }),
    rack: string.nullable(),
    isMigratingZkBroker: bool.default(false).since(1),
    logDirs: array(uuid).since(2),
    previousBrokerEpoch: int64.default(-1).since(3),
  },
  response: { throttleTimeMs: int32, errorCode: int16, brokerEpoch: int64.default(-1) },
})
export type BrokerRegistrationRequest = Request<typeof brokerRegistration>
export type BrokerRegistrationResponse = Response<typeof brokerRegistration>
