import { api, array, int16, int32, type Request, type Response, string } from '../schema.ts'

/** ListGroups: all groups of a broker. v3 flexible; v4 states (KIP-518); v5 types (KIP-848). */
export const listGroups = api({
  name: 'ListGroups',
  key: 16,
  versions: [0, 5],
  flexible: 3,
  request: { statesFilter: array(string).since(4), typesFilter: array(string).since(5) },
  response: {
    throttleTimeMs: int32.since(1),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: string.since(4),
      groupType: string.since(5),
    }),
  },
})
export type ListGroupsRequest = Request<typeof listGroups>
export type ListGroupsResponse = Response<typeof listGroups>
