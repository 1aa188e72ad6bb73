import { data, int32, int64Exact, string, type ValueOf } from '../../schema.ts'

/** Record type 11 of `__consumer_offsets`: share group metadata. */
export const shareGroupMetadataKey = data({
  name: 'ShareGroupMetadataKey',
  key: 11,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const shareGroupMetadataValue = data({
  name: 'ShareGroupMetadataValue',
  key: 11,
  versions: [0, 0],
  flexible: 0,
  fields: { epoch: int32, metadataHash: int64Exact },
})

export type ShareGroupMetadataKey = ValueOf<typeof shareGroupMetadataKey>
export type ShareGroupMetadataValue = ValueOf<typeof shareGroupMetadataValue>
