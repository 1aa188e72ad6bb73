import { topicKeys } from '../../metadata/config/keys.ts'
import { configSources, topicCandidates, topicText } from '../../metadata/config/settings.ts'
import { type CreatedTopic, createTopics } from '../../metadata/controller/create-topics.ts'
import { errorCode } from '../../protocol/errors.ts'
import {
  createTopics as api,
  type CreateTopicsResponse,
} from '../../protocol/messages/19-create-topics.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type TopicAnswer = CreateTopicsResponse['topics'][number]

/** CreateTopics: answers once the next Metadata request will show the topics. */
export const handleCreateTopics = handler(
  api,
  async (request, context, services) => {
    const mayAll = mayAccess(services, context, 'CREATE', 'cluster', clusterResource)
    const may = (name: string) => mayAll || mayAccess(services, context, 'CREATE', 'topic', name)
    const allowed = request.topics.filter(({ name }) => may(name))
    const created = await services.metadata.submit(
      createTopics(allowed, { validateOnly: request.validateOnly }),
    )
    const refused = request.topics.filter(({ name }) => !may(name))
    return {
      throttleTimeMs: 0,
      topics: [
        ...created.map((topic) => answerFor(topic, context, services)),
        ...refused.map(({ name }) => failed(name, errorCode('TOPIC_AUTHORIZATION_FAILED'), null)),
      ],
    }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name }) => failed(name, code, null)),
  }),
)

function failed(name: string, code: number, errorMessage: string | null): TopicAnswer {
  return { name, errorCode: code, errorMessage, configs: [] }
}

function answerFor(topic: CreatedTopic, context: RequestContext, services: Services): TopicAnswer {
  if (topic.error !== 'NONE') return failed(topic.name, errorCode(topic.error), topic.errorMessage)
  const answer = {
    name: topic.name,
    topicId: topic.topicId,
    errorCode: 0,
    errorMessage: null,
  }
  if (!mayAccess(services, context, 'DESCRIBE_CONFIGS', 'topic', topic.name)) {
    return {
      ...answer,
      topicConfigErrorCode: errorCode('TOPIC_AUTHORIZATION_FAILED'),
      configs: null,
    }
  }
  return {
    ...answer,
    numPartitions: topic.partitionCount,
    replicationFactor: topic.replicationFactor,
    configs: configsOf(topic, services),
  }
}

/** KIP-525: the values that the topic starts out with, and where each comes from. */
function configsOf({ overrides }: CreatedTopic, { settings }: Services) {
  return [...topicKeys.values()]
    .filter(({ internal }) => internal !== true)
    .map(({ name }) => {
      const source = topicCandidates(name, overrides, settings)[0]?.source ?? 'default'
      return {
        name,
        value: topicText(name, overrides, settings),
        readOnly: false,
        configSource: configSources[source],
        isSensitive: false,
      }
    })
}
