import { api, int16, int32, type Request, type Response, string, uuid } from '../schema.ts'

/** RemoveRaftVoter. */
export const removeRaftVoter = api({
  name: 'RemoveRaftVoter',
  key: 81,
  versions: [0, 0],
  flexible: 0,
  request: { clusterId: string.nullable(), voterId: int32, voterDirectoryId: uuid },
  response: { throttleTimeMs: int32, errorCode: int16, errorMessage: string.nullable() },
})
export type RemoveRaftVoterRequest = Request<typeof removeRaftVoter>
export type RemoveRaftVoterResponse = Response<typeof removeRaftVoter>
