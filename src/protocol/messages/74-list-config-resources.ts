import { api, array, int8, int16, int32, type Request, type Response, string } from '../schema.ts'

/** ListConfigResources. */
export const listConfigResources = api({
  name: 'ListConfigResources',
  key: 74,
  versions: [0, 1],
  flexible: 0,
  request: { resourceTypes: array(int8).since(1) },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    configResources: array({ resourceName: string, resourceType: int8.default(16).since(1) }),
  },
})
export type ListConfigResourcesRequest = Request<typeof listConfigResources>
export type ListConfigResourcesResponse = Response<typeof listConfigResources>
