import { array, data, int8, int32, uuid, type ValueOf } from '../../schema.ts'

/** Record type 3 of `__cluster_metadata`: partition. */
export const partitionRecord = data({
  name: 'PartitionRecord',
  key: 3,
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: int32.default(-1),
    topicId: uuid,
    replicas: array(int32),
    isr: array(int32),
    removingReplicas: array(int32),
    addingReplicas: array(int32),
    leader: int32.default(-1),
    leaderRecoveryState: int8.default(0).tagged(0),
    leaderEpoch: int32.default(-1),
    partitionEpoch: int32.default(-1),
    directories: array(uuid).since(1),
    eligibleLeaderReplicas: array(int32).nullable().default(null).since(2).tagged(1),
    lastKnownElr: array(int32).nullable().default(null).since(2).tagged(2),
  },
})

export type PartitionRecord = ValueOf<typeof partitionRecord>
