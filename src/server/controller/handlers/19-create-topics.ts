import { mapInTurns } from '../../../base/turns.ts'
import { topicKeys } from '../../../metadata/config/keys.ts'
import {
  configSources,
  type Overrides,
  topicCandidates,
  topicText,
} from '../../../metadata/config/settings.ts'
import { type CreatedTopic, createTopics } from '../../../metadata/controller/create-topics.ts'
import { errorCode } from '../../../protocol/errors.ts'
import {
  createTopics as api,
  type CreateTopicsResponse,
} from '../../../protocol/messages/19-create-topics.ts'
import { clusterResource, mayAccess } from '../../access.ts'
import { checkDeadline } from '../../controller-deadline.ts'
import type { RequestContext } from '../../handler.ts'
import { permitsOf } from '../../quotas/mutation-permits.ts'
import { logRefusedTopics } from '../../refused-topics.ts'
import { controllerHandler } from '../handler.ts'
import type { ControllerServices } from '../services.ts'

type TopicAnswer = CreateTopicsResponse['topics'][number]

/** The first version that is refused what exceeds the quota of mutations (KIP-599). */
const strictSince = 6

/** CreateTopics: answers once the next Metadata request shows the topics. */
export const handleCreateTopics = controllerHandler(
  api,
  async (request, context, services) => {
    checkDeadline(request.timeoutMs)
    const mayAll = mayAccess(services, context, 'CREATE', 'cluster', clusterResource, false)
    const may = (name: string) => mayAll || mayAccess(services, context, 'CREATE', 'topic', name)
    const allowed = request.topics.filter(({ name }) => may(name))
    const mutations = services.quotas.mutationsOf(context, strictSince)
    const created = await services.metadata.submit(
      createTopics(allowed, {
        validateOnly: request.validateOnly,
        takePermits: permitsOf(mutations),
      }),
    )
    logRefusedTopics(created, services.logger)
    // The same for all topics without configs of their own.
    const usual = created.some(({ error }) => error === 'NONE')
      ? configsOf(new Map(), services)
      : []
    const refused = request.topics.filter(({ name }) => !may(name))
    return {
      throttleTimeMs: mutations?.throttleMs() ?? 0,
      topics: [
        ...(await mapInTurns(services.turns, created, (topic) =>
          answerFor(topic, usual, context, services),
        )),
        ...refused.map(({ name }) =>
          failed(name, errorCode('TOPIC_AUTHORIZATION_FAILED'), 'Authorization failed.'),
        ),
      ],
    }
  },
  (request, _context, code) => ({
    topics: request.topics.map(({ name }) => failed(name, code, null)),
  }),
)

function failed(name: string, code: number, errorMessage: string | null): TopicAnswer {
  return { name, errorCode: code, errorMessage, configs: [] }
}

function answerFor(
  topic: CreatedTopic,
  usual: TopicAnswer['configs'],
  context: RequestContext,
  services: ControllerServices,
): TopicAnswer {
  if (topic.error !== 'NONE') return failed(topic.name, errorCode(topic.error), topic.errorMessage)
  const answer = {
    name: topic.name,
    topicId: topic.topicId,
    errorCode: 0,
    errorMessage: null,
  }
  if (!mayAccess(services, context, 'DESCRIBE_CONFIGS', 'topic', topic.name, false)) {
    return {
      ...answer,
      topicConfigErrorCode: errorCode('TOPIC_AUTHORIZATION_FAILED'),
      configs: [],
    }
  }
  return {
    ...answer,
    numPartitions: topic.partitionCount,
    replicationFactor: topic.replicationFactor,
    configs: topic.overrides.size === 0 ? usual : configsOf(topic.overrides, services),
  }
}

/** Returns the initial configs of a topic, with their sources (KIP-525). */
function configsOf(overrides: Overrides, { settings }: ControllerServices) {
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
