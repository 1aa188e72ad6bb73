import type { ConfigDefinition } from './definition.ts'

/**
 * Settings that Apache Kafka does not have. They stand in a server.properties or on the command line
 * only: no request shows or alters them.
 */
export const ownKeys: ReadonlyMap<string, ConfigDefinition> = new Map(
  (
    [
      // What a stream's acknowledgements may be later for it to cost less.
      {
        name: 'odradek.gather.ms',
        type: 'INT',
        default: '12',
        valid: '[0,...,100]',
        update: 'read-only',
      },
      {
        name: 'odradek.replication.factor.capped',
        type: 'BOOLEAN',
        default: 'false',
        update: 'read-only',
      },
      // For disks of which others need every block.
      {
        name: 'odradek.room.ahead.enabled',
        type: 'BOOLEAN',
        default: 'true',
        update: 'read-only',
      },
      // For who does not want `koffi` in the process, or doubts it.
      {
        name: 'odradek.sendfile.enabled',
        type: 'BOOLEAN',
        default: 'true',
        update: 'read-only',
      },
      // Every acknowledged write survives a loss of power: what comes during one sync shares the next.
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
