import {
  api,
  array,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  records,
  string,
  struct,
  uint16,
  uuid,
} from '../schema.ts'

/** FetchSnapshot: reads a metadata snapshot (KIP-630). */
export const fetchSnapshot = api({
  name: 'FetchSnapshot',
  key: 59,
  versions: [0, 1],
  flexible: 0,
  request: {
    clusterId: string.nullable().default(null).tagged(0),
    replicaId: int32.default(-1),
    maxBytes: int32.default(0x7fffffff),
    topics: array({
      name: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32,
        snapshotId: struct({ endOffset: int64, epoch: int32 }),
        position: int64,
        replicaDirectoryId: uuid.since(1).tagged(0),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    topics: array({
      name: string,
      partitions: array({
        index: int32,
        errorCode: int16,
        snapshotId: struct({ endOffset: int64, epoch: int32 }),
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }).tagged(0),
        size: int64,
        position: int64,
        unalignedRecords: records,
      }),
    }),
    nodeEndpoints: array({ nodeId: int32.since(1), host: string.since(1), port: uint16.since(1) })
      .since(1)
      .tagged(0),
  },
})
export type FetchSnapshotRequest = Request<typeof fetchSnapshot>
export type FetchSnapshotResponse = Response<typeof fetchSnapshot>
