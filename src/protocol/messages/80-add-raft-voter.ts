import {
  api,
  array,
  bool,
  int16,
  int32,
  type Request,
  type Response,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/** AddRaftVoter. */
export const addRaftVoter = api({
  name: 'AddRaftVoter',
  key: 80,
  versions: [0, 1],
  flexible: 0,
  request: {
    clusterId: string.nullable(),
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({ name: string, host: string, port: uint16 }),
    ackWhenCommitted: bool.default(true).since(1),
  },
  response: { throttleTimeMs: int32, errorCode: int16, errorMessage: string.nullable() },
})
export type AddRaftVoterRequest = Request<typeof addRaftVoter>
export type AddRaftVoterResponse = Response<typeof addRaftVoter>
