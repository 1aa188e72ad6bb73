import { api, array, int8, int16, int32, type Request, type Response, string } from '../schema.ts'

/** CreateAcls. v1 pattern types (KIP-290); v2 flexible; v3 user resources. */
export const createAcls = api({
  name: 'CreateAcls',
  key: 30,
  versions: [1, 3],
  flexible: 2,
  request: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: int8.default(3),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({ errorCode: int16, errorMessage: string.nullable() }),
  },
})
export type CreateAclsRequest = Request<typeof createAcls>
export type CreateAclsResponse = Response<typeof createAcls>
