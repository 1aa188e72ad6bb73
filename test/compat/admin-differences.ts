/** One place in a result: Kafka's text, with enough before it to find the place, and ours. */
interface Place {
  readonly kafka: string | RegExp
  readonly ours: string
}

interface Difference {
  /** A clause, for docs/admin.md. */
  readonly reason: string
  /** The permitted differences: with these replaced, Apache Kafka's results equal ours. */
  readonly where: readonly Place[]
  /** An order of list elements that differs. */
  readonly isUnordered?: boolean
}

const notSupported = (api: string) =>
  `!UnsupportedVersionException: The node does not support ${api}`
const notFound = (group: string) => `!GroupIdNotFoundException: Group ${group} not found.`

/** A list among a broker's settings, set or not, with its default or without. */
function setting(name: string, value: string | null, byDefault: string | null): string {
  const synonyms = [
    ...(value === null ? [] : [`{name=${name}, value=${value}, source=STATIC_BROKER_CONFIG}`]),
    ...(byDefault === null ? [] : [`{name=${name}, value=${byDefault}, source=DEFAULT_CONFIG}`]),
  ]
  const source = value === null ? 'DEFAULT_CONFIG' : 'STATIC_BROKER_CONFIG'
  return (
    `{isDefault=${value === null}, isReadOnly=true, isSensitive=false, documentation=none, name=${name}, ` +
    `value=${value ?? byDefault}, synonyms=[${synonyms.join('; ')}], source=${source}, type=LIST}`
  )
}

/** The methods of Admin whose results differ from Apache Kafka's, and why. */
export const differences: Readonly<Record<string, Difference>> = {
  describeStreamsGroups: {
    reason: 'streams groups are not built',
    where: [{ kafka: notFound('streams'), ours: notSupported('STREAMS_GROUP_DESCRIBE') }],
  },
  describeMetadataQuorum: {
    reason: 'the controller of a process has no listener of its own',
    where: [{ kafka: 'endpoints=[CONTROLLER://127.0.0.1:PORT', ours: 'endpoints=[' }],
  },
  'describeConfigs, of loggers': {
    reason: 'odradek has one logger, `root`; Apache Kafka one for each class',
    where: [
      {
        kafka:
          /(; )?\{isDefault=false, isReadOnly=false, isSensitive=false, documentation=none, name=(?!root,)[^{}]*\}/g,
        ours: '',
      },
      { kafka: 'entries=[; ', ours: 'entries=[' },
      { kafka: 'name=root, value=WARN', ours: 'name=root, value=INFO' },
    ],
  },
  'describeConfigs, of a broker': {
    reason: 'the controller of a process has no listener of its own, and is found without',
    isUnordered: true,
    where: [
      {
        kafka: 'PLAINTEXT://127.0.0.1:PORT,CONTROLLER://127.0.0.1:PORT',
        ours: 'PLAINTEXT://127.0.0.1:PORT',
      },
      // Only Apache Kafka got this setting; both report their settings correctly.
      {
        kafka: setting('advertised.listeners', 'PLAINTEXT://127.0.0.1:PORT', null),
        ours: setting('advertised.listeners', null, null),
      },
      {
        kafka: setting('controller.quorum.voters', '1@127.0.0.1:PORT', ''),
        ours: setting('controller.quorum.voters', null, ''),
      },
    ],
  },
}
