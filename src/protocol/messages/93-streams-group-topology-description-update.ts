import {
  api,
  array,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  string,
  struct,
} from '../schema.ts'

const topologyDescriptionNodeFields = {
  name: string,
  nodeType: int8,
  sourceTopics: array(string),
  sinkTopic: string.nullable().default(null),
  stores: array(string),
  successors: array(string),
}

const topologyDescriptionGlobalStoreFields = {
  source: struct(topologyDescriptionNodeFields),
  processor: struct(topologyDescriptionNodeFields),
}

const topologyDescriptionSubtopologyFields = {
  subtopologyId: string,
  nodes: array(topologyDescriptionNodeFields),
}

const topologyDescriptionFields = {
  subtopologies: array(topologyDescriptionSubtopologyFields),
  globalStores: array(topologyDescriptionGlobalStoreFields),
}

/** StreamsGroupTopologyDescriptionUpdate. */
export const streamsGroupTopologyDescriptionUpdate = api({
  name: 'StreamsGroupTopologyDescriptionUpdate',
  key: 93,
  versions: [0, 0],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    topologyEpoch: int32,
    topologyDescription: struct(topologyDescriptionFields),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
  },
})
export type StreamsGroupTopologyDescriptionUpdateRequest = Request<
  typeof streamsGroupTopologyDescriptionUpdate
>
export type StreamsGroupTopologyDescriptionUpdateResponse = Response<
  typeof streamsGroupTopologyDescriptionUpdate
>
