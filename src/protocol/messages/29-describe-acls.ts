import { api, array, int8, int16, int32, type Request, type Response, string } from '../schema.ts'

/** DescribeAcls. v1 pattern types (KIP-290); v2 flexible; v3 user resources. */
export const describeAcls = api({
  name: 'DescribeAcls',
  key: 29,
  versions: [1, 3],
  flexible: 2,
  request: {
    resourceTypeFilter: int8,
    resourceNameFilter: string.nullable(),
    patternTypeFilter: int8.default(3),
    principalFilter: string.nullable(),
    hostFilter: string.nullable(),
    operation: int8,
    permissionType: int8,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    resources: array({
      resourceType: int8,
      resourceName: string,
      patternType: int8.default(3),
      acls: array({ principal: string, host: string, operation: int8, permissionType: int8 }),
    }),
  },
})
export type DescribeAclsRequest = Request<typeof describeAcls>
export type DescribeAclsResponse = Response<typeof describeAcls>
