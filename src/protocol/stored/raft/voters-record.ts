import {
  array,
  data,
  int16,
  int32,
  string,
  struct,
  uint16,
  uuid,
  type ValueOf,
} from '../../schema.ts'

export const votersRecord = data({
  name: 'VotersRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16,
    voters: array({
      voterId: int32,
      voterDirectoryId: uuid,
      endpoints: array({ name: string, host: string, port: uint16 }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16, maxSupportedVersion: int16 }),
    }),
  },
})

export type VotersRecord = ValueOf<typeof votersRecord>
