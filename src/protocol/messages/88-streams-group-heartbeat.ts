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

const endpointFields = { host: string, port: uint16 }

const keyValueFields = { key: string, value: string }

const taskIdsFields = { subtopologyId: string, partitions: array(int32) }

const taskOffsetFields = { subtopologyId: string, partition: int32, offset: int64 }

const topicInfoFields = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValueFields),
}

const statusFields = { statusCode: int8, statusDetail: string }

const topicPartitionFields = { topic: string, partitions: array(int32) }

/** StreamsGroupHeartbeat. */
export const streamsGroupHeartbeat = api({
  name: 'StreamsGroupHeartbeat',
  key: 88,
  versions: [0, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    endpointInformationEpoch: int32,
    instanceId: string.nullable().default(null),
    rackId: string.nullable().default(null),
    rebalanceTimeoutMs: int32.default(-1),
    topology: struct({
      epoch: int32,
      subtopologies: array({
        subtopologyId: string,
        sourceTopics: array(string),
        sourceTopicRegex: array(string),
        stateChangelogTopics: array(topicInfoFields),
        repartitionSinkTopics: array(string),
        repartitionSourceTopics: array(topicInfoFields),
        copartitionGroups: array({
          sourceTopics: array(int16),
          sourceTopicRegex: array(int16),
          repartitionSourceTopics: array(int16),
        }),
      }),
    })
      .nullable()
      .default(null),
    activeTasks: array(taskIdsFields).nullable().default(null),
    standbyTasks: array(taskIdsFields).nullable().default(null),
    warmupTasks: array(taskIdsFields).nullable().default(null),
    processId: string.nullable().default(null),
    userEndpoint: struct(endpointFields).nullable().default(null),
    clientTags: array(keyValueFields).nullable().default(null),
    taskOffsets: array(taskOffsetFields).nullable().default(null),
    taskEndOffsets: array(taskOffsetFields).nullable().default(null),
    shutdownApplication: bool.default(false),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    memberId: string,
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    acceptableRecoveryLagLegacy: int32.until(0),
    taskOffsetIntervalMs: int32,
    acceptableRecoveryLag: int64.default(-1).since(1),
    status: array(statusFields).nullable(),
    activeTasks: array(taskIdsFields).nullable().default(null),
    standbyTasks: array(taskIdsFields).nullable().default(null),
    warmupTasks: array(taskIdsFields).nullable().default(null),
    topologyDescriptionRequired: bool.default(false).since(1),
    endpointInformationEpoch: int32,
    partitionsByUserEndpoint: array({
      userEndpoint: struct(endpointFields),
      activePartitions: array(topicPartitionFields),
      standbyPartitions: array(topicPartitionFields),
    })
      .nullable()
      .default(null),
  },
})
export type StreamsGroupHeartbeatRequest = Request<typeof streamsGroupHeartbeat>
export type StreamsGroupHeartbeatResponse = Response<typeof streamsGroupHeartbeat>
