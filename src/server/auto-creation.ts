import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { type ErrorName, errorName } from '../protocol/errors.ts'
import { type CreateTopicsResponse, createTopics } from '../protocol/messages/19-create-topics.ts'
import type { Forwarder } from './forwarder.ts'
import { creatableInternalTopic } from './internal-topics.ts'
import { logRefusedTopics, namesForLine } from './refused-topics.ts'
import type { RequestContext } from './request-context.ts'

const defaultTopic = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
/** Another broker, or another request, may have been faster. */
const isExpected: ReadonlySet<ErrorName> = new Set(['NONE', 'TOPIC_ALREADY_EXISTS'])
/** CreateTopics has no error code of its own: one that the controller lacks is in every topic. */
const errorOf = ({ topics: [first] }: { readonly topics: CreateTopicsResponse['topics'] }) =>
  first?.errorCode ?? 0
/** The version in which this broker creates topics, whatever the client's is. */
const version = createTopics.stableMax

/**
 * Creates topics that clients ask for (`DefaultAutoTopicCreationManager`). Kafka's response does
 * not wait for the creation; with `odradek.auto.creation.awaited` ours does.
 */
export class AutoCreation {
  private readonly forwarder: Forwarder
  private readonly settings: BrokerSettings
  private readonly logger: Logger
  /** Topics being created, so that further requests for them do not create them again. */
  private readonly inFlight = new Map<string, Promise<void>>()

  constructor(options: {
    readonly forwarder: Forwarder
    readonly settings: BrokerSettings
    readonly logger: Logger
  }) {
    this.forwarder = options.forwarder
    this.settings = options.settings
    this.logger = options.logger
  }

  /**
   * Resolves when the request may be answered: at once, or once topics are created or refused.
   * @param client in whose name the topics are created; null for this broker's, as for internal
   * topics that a coordinator needs.
   */
  async request(names: readonly string[], client: RequestContext | null): Promise<void> {
    const fresh = names.filter((name) => !this.inFlight.has(name))
    if (fresh.length > 0) {
      const made = this.create(fresh, client)
      for (const name of fresh) this.inFlight.set(name, made)
      void made.finally(() => {
        for (const name of fresh) this.inFlight.delete(name)
      })
    }
    if (!this.settings.bool('odradek.auto.creation.awaited')) return
    await Promise.all(names.map((name) => this.inFlight.get(name)))
  }

  /** Creates topics. Never rejects: a client that asks again finds the topic missing. */
  private async create(names: readonly string[], client: RequestContext | null): Promise<void> {
    const topics = names.map(
      (name) => creatableInternalTopic(name, this.settings) ?? { ...defaultTopic, name },
    )
    const timeoutMs = this.settings.int('request.timeout.ms')
    const body = { topics, timeoutMs, validateOnly: false }
    try {
      const created =
        client === null
          ? await this.forwarder.ask({ api: createTopics, version, body, timeoutMs, errorOf })
          : await this.forwarder.forwardMade(createTopics, version, body, client)
      this.logRefused(created.topics)
    } catch (error) {
      this.logger.warn('topics that were asked for could not be created', {
        topics: namesForLine(names),
        reason: messageOf(error),
      })
    }
  }

  private logRefused(topics: CreateTopicsResponse['topics']): void {
    const refused = topics.flatMap(({ name, errorCode: code, errorMessage }) => {
      const error = errorName(code)
      return isExpected.has(error) ? [] : [{ name, error, errorMessage }]
    })
    logRefusedTopics(refused, this.logger)
  }
}
