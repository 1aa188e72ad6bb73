import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/** DescribeLogDirs. */
export const describeLogDirs = api({
  name: 'DescribeLogDirs',
  key: 35,
  versions: [1, 5],
  flexible: 2,
  request: { topics: array({ topic: string, partitions: array(int32) }).nullable() },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.since(3),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          partitionSize: int64,
          offsetLag: int64,
          isFutureKey: bool,
        }),
      }),
      totalBytes: int64.default(-1).since(4),
      usableBytes: int64.default(-1).since(4),
      isCordoned: bool.default(false).since(5),
    }),
  },
})
export type DescribeLogDirsRequest = Request<typeof describeLogDirs>
export type DescribeLogDirsResponse = Response<typeof describeLogDirs>
