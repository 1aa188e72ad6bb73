import documentation from '../../metadata/config/documentation.json' with { type: 'json' }
import { supportedKeys } from './supported-keys.ts'

/** The kind of resource a setting belongs to. */
export type ConfigKind = 'broker' | 'topic' | 'group' | 'client-metrics'

const texts: Readonly<Record<string, string>> = documentation

/** Topic settings without effect here: for tiered storage, replicas and file handling not built. */
const idleTopicKeys: readonly RegExp[] = [
  /^(errors|internal|local|remote)\./,
  /\.replication\.throttled\.replicas$/,
  /^preallocate$/,
]

const actingGroupKeys: ReadonlySet<string> = new Set([
  'consumer.assignment.interval.ms',
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
  'share.assignment.interval.ms',
  'share.heartbeat.interval.ms',
  'share.session.timeout.ms',
])

/** Whether a setting of Kafka has an effect in this broker. */
export function acts(kind: ConfigKind, name: string): boolean {
  switch (kind) {
    case 'broker':
      return supportedKeys.has(name)
    case 'topic':
      return !idleTopicKeys.some((idle) => idle.test(name))
    case 'group':
      return actingGroupKeys.has(name)
    case 'client-metrics':
      return true
  }
}

/** Returns the description of a setting in one sentence, or null for an unknown key. */
export function documentationOf(name: string): string | null {
  return texts[name] ?? null
}

/** Returns the description for DescribeConfigs, with a note if the setting has no effect. */
export function documentationFor(kind: ConfigKind, name: string): string | null {
  const text = documentationOf(name)
  return text === null || acts(kind, name) ? text : `${text} Accepted, without effect here.`
}
