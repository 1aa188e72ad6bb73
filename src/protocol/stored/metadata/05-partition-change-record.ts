import { array, data, int8, int32, uuid, type ValueOf } from '../../schema.ts'

/** Record type 5 of `__cluster_metadata`: partition change. */
export const partitionChangeRecord = data({
  name: 'PartitionChangeRecord',
  key: 5,
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: int32.default(-1),
    topicId: uuid,
    isr: array(int32).nullable().default(null).tagged(0),
    leader: int32.default(-2).tagged(1),
    replicas: array(int32).nullable().default(null).tagged(2),
    removingReplicas: array(int32).nullable().default(null).tagged(3),
    addingReplicas: array(int32).nullable().default(null).tagged(4),
    leaderRecoveryState: int8.default(-1).tagged(5),
    directories: array(uuid).nullable().default(null).since(1).tagged(8),
    eligibleLeaderReplicas: array(int32).nullable().default(null).since(2).tagged(6),
    lastKnownElr: array(int32).nullable().default(null).since(2).tagged(7),
  },
})

export type PartitionChangeRecord = ValueOf<typeof partitionChangeRecord>
