import {
  array,
  bool,
  data,
  int16,
  int32,
  string,
  uint16,
  uuid,
  type ValueOf,
} from '../../schema.ts'

/** Record type 27 of `__cluster_metadata`: register controller. */
export const registerControllerRecord = data({
  name: 'RegisterControllerRecord',
  key: 27,
  versions: [0, 0],
  flexible: 0,
  fields: {
    controllerId: int32,
    incarnationId: uuid,
    zkMigrationReady: bool,
    endPoints: array({ name: string, host: string, port: uint16, securityProtocol: int16 }),
    features: array({ name: string, minSupportedVersion: int16, maxSupportedVersion: int16 }),
  },
})

export type RegisterControllerRecord = ValueOf<typeof registerControllerRecord>
