import type { Logger } from '../base/logger.ts'
import type { CreatedTopic } from '../metadata/controller/create-topics.ts'

/** Maximum number of topics listed per request; the rest is only counted. */
const linesMax = 10

/** Logs which topics were not created, and why; adds advice for a replication factor too high. */
export function logRefusedTopics(
  topics: readonly Pick<CreatedTopic, 'name' | 'error' | 'errorMessage'>[],
  logger: Logger,
): void {
  const refused = topics.filter(({ error }) => error !== 'NONE')
  for (const { name, error, errorMessage } of refused.slice(0, linesMax)) {
    logger.info('a topic was not created', { topic: name, error, why: errorMessage ?? undefined })
  }
  if (refused.length > linesMax) {
    logger.info('more topics of the same request were not created', {
      topics: refused.length - linesMax,
    })
  }
  if (!refused.some(({ error }) => error === 'INVALID_REPLICATION_FACTOR')) return
  logger.info(
    'odradek.replication.factor.capped=true takes a replication factor for the highest that can be given',
  )
}

/** Joins names for one log line. */
export function namesForLine(names: readonly string[]): string {
  const more = names.length - linesMax
  return names.slice(0, linesMax).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
