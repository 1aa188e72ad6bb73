import { array, bytes, data, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 2 of `__consumer_offsets`: group metadata. */
export const groupMetadataKey = data({
  name: 'GroupMetadataKey',
  key: 2,
  versions: [0, 0],
  flexible: null,
  fields: { group: string },
})
const memberMetadataFields = {
  memberId: string,
  groupInstanceId: string.nullable().default(null).since(3),
  clientId: string,
  clientHost: string,
  rebalanceTimeout: int32.default(-1).since(1),
  sessionTimeout: int32,
  subscription: bytes,
  assignment: bytes,
}

export const groupMetadataValue = data({
  name: 'GroupMetadataValue',
  key: 2,
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string,
    generation: int32,
    protocol: string.nullable(),
    leader: string.nullable(),
    currentStateTimestamp: int64.default(-1).since(2),
    members: array(memberMetadataFields),
  },
})

export type GroupMetadataKey = ValueOf<typeof groupMetadataKey>
export type GroupMetadataValue = ValueOf<typeof groupMetadataValue>
