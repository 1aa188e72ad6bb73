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

/**
 * DescribeConfigs: settings of brokers, topics, groups, client metrics. v1 synonyms; v3 types
 * and documentation (KIP-569); v4 flexible.
 */
export const describeConfigs = api({
  name: 'DescribeConfigs',
  key: 32,
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configurationKeys: array(string).nullable(),
    }),
    includeSynonyms: bool.default(false),
    includeDocumentation: bool.default(false).since(3),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: int8.default(-1),
        isSensitive: bool,
        synonyms: array({ name: string, value: string.nullable(), source: int8 }),
        configType: int8.default(0).since(3),
        documentation: string.nullable().since(3),
      }),
    }),
  },
})
export type DescribeConfigsRequest = Request<typeof describeConfigs>
export type DescribeConfigsResponse = Response<typeof describeConfigs>
