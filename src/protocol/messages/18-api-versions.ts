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

/**
 * ApiVersions: keys and versions, features. The response header is v0 in every version, because
 * a client cannot know better yet. v3 flexible; v4 features from level 0; v5 cluster id and node
 * id (KIP-1242).
 */
export const apiVersions = api({
  name: 'ApiVersions',
  key: 18,
  versions: [0, 5],
  flexible: 3,
  request: {
    clientSoftwareName: string.since(3),
    clientSoftwareVersion: string.since(3),
    clusterId: string.nullable().default(null).since(5),
    nodeId: int32.default(-1).since(5),
  },
  response: {
    errorCode: int16,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: int32.since(1),
    supportedFeatures: array({
      name: string.since(3),
      minVersion: int16.since(3),
      maxVersion: int16.since(3),
    })
      .since(3)
      .tagged(0),
    finalizedFeaturesEpoch: int64.default(-1).since(3).tagged(1),
    finalizedFeatures: array({
      name: string.since(3),
      maxVersionLevel: int16.since(3),
      minVersionLevel: int16.since(3),
    })
      .since(3)
      .tagged(2),
    zkMigrationReady: bool.default(false).since(3).tagged(3),
  },
})
export type ApiVersionsRequest = Request<typeof apiVersions>
export type ApiVersionsResponse = Response<typeof apiVersions>
