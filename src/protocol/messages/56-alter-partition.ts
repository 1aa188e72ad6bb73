import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  uuid,
} from '../schema.ts'

/** AlterPartition. */
export const alterPartition = api({
  name: 'AlterPartition',
  key: 56,
  versions: [2, 3],
  flexible: 0,
  request: {
    brokerId: int32,
    brokerEpoch: int64.default(-1),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        leaderEpoch: int32,
        newIsr: array(int32).until(2),
        newIsrWithEpochs: array({
          brokerId: int32.since(3),
          brokerEpoch: int64.default(-1).since(3),
        }).since(3),
        leaderRecoveryState: int8.default(0),
        partitionEpoch: int32,
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        leaderId: int32,
        leaderEpoch: int32,
        isr: array(int32),
        leaderRecoveryState: int8.default(0),
        partitionEpoch: int32,
      }),
    }),
  },
})
export type AlterPartitionRequest = Request<typeof alterPartition>
export type AlterPartitionResponse = Response<typeof alterPartition>
