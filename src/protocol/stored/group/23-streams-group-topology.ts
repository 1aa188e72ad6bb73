import { array, data, int16, int32, string, type ValueOf } from '../../schema.ts'

/** Record type 23 of `__consumer_offsets`: streams group topology. */
export const streamsGroupTopologyKey = data({
  name: 'StreamsGroupTopologyKey',
  key: 23,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})
const topicConfigFields = { key: string, value: string }

const topicInfoFields = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(topicConfigFields),
}

export const streamsGroupTopologyValue = data({
  name: 'StreamsGroupTopologyValue',
  key: 23,
  versions: [0, 0],
  flexible: 0,
  fields: {
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
  },
})

export type StreamsGroupTopologyKey = ValueOf<typeof streamsGroupTopologyKey>
export type StreamsGroupTopologyValue = ValueOf<typeof streamsGroupTopologyValue>
