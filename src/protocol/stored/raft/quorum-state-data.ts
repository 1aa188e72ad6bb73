import { array, data, int32, int64, string, uuid, type ValueOf } from '../../schema.ts'

export const quorumStateData = data({
  name: 'QuorumStateData',
  versions: [0, 1],
  flexible: 0,
  fields: {
    clusterId: string.until(0),
    leaderId: int32.default(-1),
    leaderEpoch: int32.default(-1),
    votedId: int32.default(-1),
    votedDirectoryId: uuid.since(1),
    appliedOffset: int64.until(0),
    currentVoters: array({ voterId: int32.until(0) })
      .nullable()
      .until(0),
  },
})

export type QuorumStateData = ValueOf<typeof quorumStateData>
