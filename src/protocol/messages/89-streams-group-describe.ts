import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
  struct,
  uint16,
} from '../schema.ts'

const taskIdsFields = { subtopologyId: string, partitions: array(int32) }

const assignmentFields = {
  activeTasks: array(taskIdsFields),
  standbyTasks: array(taskIdsFields),
  warmupTasks: array(taskIdsFields),
}

const endpointFields = { host: string, port: uint16 }

const keyValueFields = { key: string, value: string }

const taskOffsetFields = { subtopologyId: string, partition: int32, offset: int64 }

const topicInfoFields = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValueFields),
}

const topologyDescriptionNodeFields = {
  name: string.since(1),
  nodeType: int8.since(1),
  sourceTopics: array(string).since(1),
  sinkTopic: string.nullable().default(null).since(1),
  stores: array(string).since(1),
  successors: array(string).since(1),
}

const topologyDescriptionGlobalStoreFields = {
  source: struct(topologyDescriptionNodeFields).since(1),
  processor: struct(topologyDescriptionNodeFields).since(1),
}

const topologyDescriptionSubtopologyFields = {
  subtopologyId: string.since(1),
  nodes: array(topologyDescriptionNodeFields).since(1),
}

const topologyDescriptionFields = {
  subtopologies: array(topologyDescriptionSubtopologyFields).since(1),
  globalStores: array(topologyDescriptionGlobalStoreFields).since(1),
}

/** StreamsGroupDescribe. */
export const streamsGroupDescribe = api({
  name: 'StreamsGroupDescribe',
  key: 89,
  versions: [0, 1],
  flexible: 0,
  request: {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
    includeTopologyDescription: bool.default(false).since(1),
  },
  response: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      topology: struct({
        epoch: int32,
        subtopologies: array({
          subtopologyId: string,
          sourceTopics: array(string),
          repartitionSinkTopics: array(string),
          stateChangelogTopics: array(topicInfoFields),
          repartitionSourceTopics: array(topicInfoFields),
        })
          .nullable()
          .default(null),
      })
        .nullable()
        .default(null),
      members: array({
        memberId: string,
        memberEpoch: int32,
        instanceId: string.nullable().default(null),
        rackId: string.nullable().default(null),
        clientId: string,
        clientHost: string,
        topologyEpoch: int32,
        processId: string,
        userEndpoint: struct(endpointFields).nullable().default(null),
        clientTags: array(keyValueFields),
        taskOffsets: array(taskOffsetFields),
        taskEndOffsets: array(taskOffsetFields),
        assignment: struct(assignmentFields),
        targetAssignment: struct(assignmentFields),
        isClassic: bool,
      }),
      authorizedOperations: int32.default(-2147483648),
      topologyDescription: struct(topologyDescriptionFields).nullable().default(null).since(1),
      topologyDescriptionStatus: int8.default(0).since(1),
      assignorName: string.nullable().default(null).since(1),
    }),
  },
})
export type StreamsGroupDescribeRequest = Request<typeof streamsGroupDescribe>
export type StreamsGroupDescribeResponse = Response<typeof streamsGroupDescribe>
