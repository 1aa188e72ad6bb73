import type { ConfigDefinition } from './definition.ts'

/**
 * Settings that Apache Kafka does not have. They are set in server.properties or on the command
 * line only: no request shows or alters them.
 */
export const ownKeys: ReadonlyMap<string, ConfigDefinition> = new Map(
  (
    [
      // For test suites that expect a topic to exist right after the first request for it.
      {
        name: 'odradek.auto.creation.awaited',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      // In a cluster with other nodes: no automatic placement of replicas here, where they are not
      // replicated yet.
      {
        name: 'odradek.join.cordoned',
        type: 'BOOLEAN',
        default: 'true',
        update: 'read-only',
      },
      // For test suites whose clients log in with keys of AWS, as to Amazon MSK.
      {
        name: 'odradek.msk.iam.accept.any',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      {
        name: 'odradek.msk.iam.enabled',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      {
        name: 'odradek.msk.iam.keys',
        type: 'PASSWORD',
        default: '',
        update: 'read-only',
        sensitive: true,
      },
      {
        name: 'odradek.replication.factor.capped',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      // For operators who do not want `koffi` in the process, or do not trust it.
      {
        name: 'odradek.sendfile.enabled',
        type: 'BOOLEAN',
        default: 'true',
        update: 'read-only',
      },
      // Makes every acknowledged write survive a power loss; writes during one sync share the next.
      {
        name: 'odradek.sync.before.ack',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      {
        name: 'odradek.telemetry.enabled',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
    ] satisfies ConfigDefinition[]
  ).map((definition) => [definition.name, definition]),
)
