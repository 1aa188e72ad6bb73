import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/** IncrementalAlterConfigs: set, delete, append, subtract (KIP-339). v1 flexible. */
export const incrementalAlterConfigs = api({
  name: 'IncrementalAlterConfigs',
  key: 44,
  versions: [0, 1],
  flexible: 1,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, configOperation: int8, value: string.nullable() }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
    }),
  },
})
export type IncrementalAlterConfigsRequest = Request<typeof incrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = Response<typeof incrementalAlterConfigs>
