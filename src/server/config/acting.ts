import documentation from '../../metadata/config/documentation.json' with { type: 'json' }
import { actingKeys } from './acting-keys.ts'

/** What a setting belongs to. */
export type ConfigKind = 'broker' | 'topic' | 'group' | 'client-metrics'

const texts: Readonly<Record<string, string>> = documentation

/** Topic settings that change nothing here: of tiers, replicas and files that are not built. */
const idleTopicKeys: readonly RegExp[] = [
  /^(errors|internal|local|remote)\./,
  /\.replication\.throttled\.replicas$/,
  /^max\.decompressed\./,
  /^preallocate$/,
  /^unclean\./,
]

const actingGroupKeys: ReadonlySet<string> = new Set([
  'consumer.assignment.interval.ms',
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
])

/** Whether a setting that Kafka knows does something here. */
export function acts(kind: ConfigKind, name: string): boolean {
  switch (kind) {
    case 'broker':
      return actingKeys.has(name)
    case 'topic':
      return !idleTopicKeys.some((idle) => idle.test(name))
    case 'group':
      return actingGroupKeys.has(name)
    case 'client-metrics':
      return true
  }
}

/** What a setting is for, in a sentence; null for a key that nobody knows. */
export function documentationOf(name: string): string | null {
  return texts[name] ?? null
}

/** As DescribeConfigs tells it: with a word where the setting is accepted and does nothing. */
export function documentationFor(kind: ConfigKind, name: string): string | null {
  const text = documentationOf(name)
  return text === null || acts(kind, name) ? text : `${text} Accepted, without effect here.`
}
