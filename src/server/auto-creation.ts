import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { TakePermits } from '../metadata/controller/controller.ts'
import { createTopics } from '../metadata/controller/create-topics.ts'
import type { Metadata } from '../metadata/metadata.ts'
import { creatableInternalTopic } from './internal-topics.ts'
import { logRefusedTopics, namesForLine } from './refused-topics.ts'

const defaultTopic = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }

/**
 * Creates topics that clients ask for (`DefaultAutoTopicCreationManager`). Kafka's response does
 * not wait for the creation; with `odradek.auto.creation.awaited` ours does.
 */
export class AutoCreation {
  private readonly metadata: Metadata
  private readonly settings: BrokerSettings
  private readonly logger: Logger
  /** Topics being created, so that further requests for them do not create them again. */
  private readonly inFlight = new Map<string, Promise<void>>()

  constructor(options: { metadata: Metadata; settings: BrokerSettings; logger: Logger }) {
    this.metadata = options.metadata
    this.settings = options.settings
    this.logger = options.logger
  }

  /** Resolves when the request may be answered: at once, or once topics are created or refused. */
  async request(names: readonly string[], takePermits?: TakePermits): Promise<void> {
    const fresh = names.filter((name) => !this.inFlight.has(name))
    if (fresh.length > 0) {
      const made = this.create(fresh, takePermits)
      for (const name of fresh) this.inFlight.set(name, made)
      void made.finally(() => {
        for (const name of fresh) this.inFlight.delete(name)
      })
    }
    if (!this.settings.bool('odradek.auto.creation.awaited')) return
    await Promise.all(names.map((name) => this.inFlight.get(name)))
  }

  /** Creates topics. Never rejects: a client that asks again finds the topic missing. */
  private async create(names: readonly string[], takePermits?: TakePermits): Promise<void> {
    const topics = names.map(
      (name) => creatableInternalTopic(name, this.settings) ?? { ...defaultTopic, name },
    )
    try {
      const options = { validateOnly: false, takePermits }
      const created = await this.metadata.submit(createTopics(topics, options))
      const refused = created.filter(({ error }) => error !== 'TOPIC_ALREADY_EXISTS')
      logRefusedTopics(refused, this.logger)
    } catch (error) {
      this.logger.warn('topics that were asked for could not be created', {
        topics: namesForLine(names),
        reason: messageOf(error),
      })
    }
  }
}
