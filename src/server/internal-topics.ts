import type { BrokerSettings } from '../metadata/config/settings.ts'
import { createTopics } from '../metadata/controller/create-topics.ts'
import type { TopicState } from '../metadata/image.ts'
import type { Metadata } from '../metadata/metadata.ts'
import { Refusal } from '../protocol/errors.ts'
import type { CreateTopicsRequest } from '../protocol/messages/19-create-topics.ts'

type CreatableTopic = CreateTopicsRequest['topics'][number]

export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'

/** How a coordinator's topic is made: by its own settings, compacted (`AutoTopicCreationManager`). */
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

/**
 * The coordinator's topic, made on first use.
 * @throws Refusal COORDINATOR_NOT_AVAILABLE when it cannot be made now.
 */
export async function ensureInternalTopic(
  name: string,
  metadata: Metadata,
  settings: BrokerSettings,
): Promise<TopicState> {
  if (!metadata.image.topics.has(name)) {
    const creatable = creatableInternalTopic(name, settings)!
    const [created] = await metadata.submit(createTopics([creatable], { validateOnly: false }))
    if (created!.error !== 'NONE' && created!.error !== 'TOPIC_ALREADY_EXISTS') {
      throw new Refusal('COORDINATOR_NOT_AVAILABLE', created!.errorMessage)
    }
  }
  const found = metadata.image.topics.get(name)
  if (found === undefined) throw new Refusal('COORDINATOR_NOT_AVAILABLE')
  return found
}
