import { api, array, int16, int32, type Request, type Response, string } from '../schema.ts'

/** DeleteGroups: removes empty groups with their offsets. v2 flexible; v3 an error message. */
export const deleteGroups = api({
  name: 'DeleteGroups',
  key: 42,
  versions: [0, 3],
  flexible: 2,
  request: { groupsNames: array(string) },
  response: {
    throttleTimeMs: int32,
    results: array({
      groupId: string,
      errorCode: int16,
      errorMessage: string.nullable().default(null).since(3),
    }),
  },
})
export type DeleteGroupsRequest = Request<typeof deleteGroups>
export type DeleteGroupsResponse = Response<typeof deleteGroups>
