import type { ConfigDefinition } from '../../../src/metadata/config/definition.ts'
import { brokerKeys } from '../../../src/metadata/config/keys.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import type { Settings } from '../targets.ts'
import { types } from './config-admin.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic } from './topics.ts'

/** Settings of a node that both brokers accept. */
const leftAlone =
  /^(node\.id|broker\.id|process\.roles|log\.dirs?|.*listeners?|listener\..*|controller\..*|security\.inter\..*)$/

/** Defaults that are printed differently with the same meaning. */
function oddly({ type, default: text }: ConfigDefinition): string | null {
  if (text === null || text === undefined || text === '') return null
  if (type === 'BOOLEAN') return ` ${text.toUpperCase()} `
  if (type === 'INT' || type === 'LONG' || type === 'SHORT') {
    return text.startsWith('-') ? ` ${text} ` : `+0${text}`
  }
  if (type === 'DOUBLE') return `${text}e0`
  return type === 'LIST' ? ` ${text.replaceAll(',', ' , ')} ` : ` ${text} `
}

/** Static settings in unusual notation: of every type, with blanks, other case, synonyms. */
export const oddSettings: Settings = {
  ...Object.fromEntries(
    [...brokerKeys.values()].flatMap((one) => {
      const text = leftAlone.test(one.name) || one.required === true ? null : oddly(one)
      return text === null ? [] : [[one.name, text]]
    }),
  ),
  'log.cleanup.policy': 'compact, delete',
  'log.retention.hours': ' 7 ',
  'log.retention.minutes': '+100',
  'log.roll.hours': '007',
  'log.roll.jitter.hours': '2',
  'log.flush.scheduler.interval.ms': '100000',
  'auto.create.topics.enable': 'TRUE',
  'unclean.leader.election.enable': 'False',
  'log.cleaner.min.cleanable.ratio': '.50',
  'log.cleaner.io.max.bytes.per.second': '1e9',
  'log.segment.bytes': ' 1048576',
  'compression.type': 'gzip',
  'log.message.timestamp.type': ' LogAppendTime',
  'num.io.threads': '3',
  'num.partitions': '2',
  'message.max.bytes': '2000000',
  'max.connections.per.ip.overrides': '127.0.0.2:5, 10.0.0.1:6',
  'sasl.enabled.mechanisms': 'PLAIN, SCRAM-SHA-256',
  'sasl.jaas.config': 'secret',
  'ssl.keystore.password': 'secret',
  'ssl.keystore.location': '/nowhere',
  'ssl.enabled.protocols': 'TLSv1.3',
  'listener.name.plaintext.ssl.keystore.location': '/elsewhere',
  'listener.name.plaintext.max.connections': '99',
  'group.consumer.session.timeout.ms': '46000',
  'group.consumer.assignors': 'range, uniform',
  'group.share.record.lock.duration.ms': '20000',
  'broker.rack': ' a ',
  'super.users': 'User:admin',
  'name.of.nothing': 'x',
  'num.network.thread': '3',
  'confluent.x': 'y',
  'early.start.listeners': 'CONTROLLER',
  'log.dir': '/tmp/unused',
  'broker.id': '1',
  'leader.replication.throttled.rate': '1000',
}

async function describe(
  peer: Peer,
  resourceType: number,
  resourceName: string,
  version: number,
  configurationKeys: readonly string[] | null = null,
): Promise<void> {
  const asked = {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: version > 1,
  }
  const { results } = await peer.quietly(describeConfigs, version, asked)
  const [{ configs, ...head }] = results
  peer.note(`DescribeConfigs v${version} of ${resourceType}/${resourceName}`, head)
  // A line each: of four hundred settings only the different ones are printed.
  const names = (configs as { name: string }[]).map(({ name }) => name).toSorted()
  peer.note('their names', names)
  const byName = (configs as { name: string; documentation: string | null }[]).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
  for (const config of byName) {
    // Documentation texts and the level of a logger differ.
    const documentation = config.documentation === null ? null : 'WORDS'
    const own =
      resourceType === types.logger ? { documentation, value: 'LEVEL' } : { documentation }
    peer.note(`${resourceType}/${resourceName}: ${config.name}`, { ...config, ...own })
  }
}

/** Each broker's controller port is in some of its settings. */
async function learnControllerPort(peer: Peer): Promise<void> {
  const configurationKeys = ['controller.quorum.voters']
  const asked = {
    resources: [{ resourceType: types.broker, resourceName: '1', configurationKeys }],
    includeSynonyms: false,
    includeDocumentation: false,
  }
  const { results } = await peer.quietly(describeConfigs, 4, asked)
  const voters: string = results[0].configs[0].value
  const port = voters.slice(voters.lastIndexOf(':') + 1)
  peer.names.learn(voters, 'VOTERS')
  peer.names.learn(`CONTROLLER://127.0.0.1:${port}`, 'CONTROLLER://HERE')
}

/** Describes every setting of every resource. */
export const describedScenarios: readonly Scenario[] = [
  {
    api: describeConfigs,
    title: 'every setting of every resource',
    versions: [1, 4],
    run: async (peer, version) => {
      const { dataDir } = peer.target
      peer.names.learn(dataDir, 'DIR')
      peer.names.plain(
        await peer.quietly(describeCluster, 1, { includeClusterAuthorizedOperations: false }),
      )
      await learnControllerPort(peer)
      await makeTopic(peer, `described.${version}`)
      await describe(peer, types.topic, `described.${version}`, version)
      await describe(peer, types.broker, '1', version)
      await describe(peer, types.broker, '', version)
      await describe(peer, types.group, 'g', version)
      await describe(peer, types.metrics, 'm', version)
      // Kafka has a logger for each of its classes, odradek this one. Each has its own level.
      await describe(peer, types.logger, '1', version, ['root'])
    },
  },
]
