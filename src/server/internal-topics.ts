import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { CreateTopicsRequest } from '../protocol/messages/19-create-topics.ts'

type CreatableTopic = CreateTopicsRequest['topics'][number]

export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
export const shareStateTopic = '__share_group_state'

/**
 * Returns an internal topic to create, with its own settings and compaction
 * (`AutoTopicCreationManager`), or null for other names.
 */
export function creatableInternalTopic(
  name: string,
  settings: BrokerSettings,
): CreatableTopic | null {
  if (name === offsetsTopic) {
    return topic(name, settings, 'offsets.topic', {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(settings.int('offsets.topic.segment.bytes')),
    })
  }
  if (name === transactionsTopic) {
    return topic(name, settings, 'transaction.state.log', {
      'cleanup.policy': 'compact',
      'compression.type': 'uncompressed',
      'min.insync.replicas': String(settings.int('transaction.state.log.min.isr')),
      'segment.bytes': String(settings.int('transaction.state.log.segment.bytes')),
      'unclean.leader.election.enable': 'false',
    })
  }
  if (name === shareStateTopic) {
    return topic(name, settings, 'share.coordinator.state.topic', {
      'cleanup.policy': 'delete',
      'compression.type': 'producer',
      'min.insync.replicas': String(settings.int('share.coordinator.state.topic.min.isr')),
      'retention.ms': '-1',
      'segment.bytes': String(settings.int('share.coordinator.state.topic.segment.bytes')),
    })
  }
  return null
}

function topic(
  name: string,
  settings: BrokerSettings,
  prefix: string,
  configs: Readonly<Record<string, string>>,
): CreatableTopic {
  return {
    name,
    numPartitions: settings.int(`${prefix}.num.partitions`),
    replicationFactor: settings.int(`${prefix}.replication.factor`),
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}
