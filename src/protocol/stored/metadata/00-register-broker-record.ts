import {
  array,
  bool,
  data,
  int16,
  int32,
  int64,
  string,
  uint16,
  uuid,
  type ValueOf,
} from '../../schema.ts'

/** Record type 0 of `__cluster_metadata`: register broker. */
export const registerBrokerRecord = data({
  name: 'RegisterBrokerRecord',
  key: 0,
  versions: [0, 4],
  flexible: 0,
  fields: {
    brokerId: int32,
    isMigratingZkBroker: bool.default(false).since(2),
    incarnationId: uuid,
    brokerEpoch: int64,
    endPoints: array({ name: string, host: string, port: uint16, securityProtocol: int16 }),
    features: array({ name: string, minSupportedVersion: int16, maxSupportedVersion: int16 }),
    rack: string.nullable(),
    fenced: bool.default(true),
    inControlledShutdown: bool.default(false).since(1),
    logDirs: array(uuid).since(3).tagged(0),
    cordonedLogDirs: array(uuid).nullable().default(null).since(4).tagged(1),
  },
})

export type RegisterBrokerRecord = ValueOf<typeof registerBrokerRecord>
