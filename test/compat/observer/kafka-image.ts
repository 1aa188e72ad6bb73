import {
  aclOperations,
  aclResourceTypes,
  nameOf,
  patternTypes,
  permissionTypes,
} from '../../../src/metadata/acls.ts'
import { resourceTypes } from '../../../src/metadata/config/keys.ts'
import { parsePrincipal } from '../../../src/metadata/delegation-tokens.ts'
import type {
  BrokerState,
  Endpoint,
  FeatureRange,
  Image,
  PartitionState,
} from '../../../src/metadata/image.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
} from '../../../src/metadata/records.ts'
import type { AccessControlEntryRecord } from '../../../src/protocol/stored/metadata/18-access-control-entry-record.ts'
import { getKafka } from '../kafka/jars.ts'
import { compile, startJava } from '../kafka/java.ts'
import type { Running } from '../process.ts'

/**
 * Returns Kafka's own images of these files of the metadata log: after each record, as if each were
 * a batch, or only that at an offset.
 */
export async function kafkaImages(
  which: 'each' | number,
  files: readonly string[],
): Promise<KafkaImage[]> {
  const program = await start('ImageDump', [String(which), ...files])
  const { code, stdout } = await program.end(programMs)
  if (code !== 0) throw new Error(program.describe())
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => withoutTimes(JSON.parse(line) as KafkaImage))
}

/** Appends batches to a log file with Kafka's writers of records. */
export async function appendByKafka(
  file: string,
  batches: readonly (readonly MetadataRecord[])[],
): Promise<void> {
  const program = await start('MetadataWriter', [file])
  program.child.stdin!.end(batches.map((batch) => `${asJson(batch)}\n`).join(''))
  const { code } = await program.end(programMs)
  if (code !== 0) throw new Error(program.describe())
}

async function start(mainClass: string, args: readonly string[]): Promise<Running> {
  await getKafka()
  return startJava(mainClass, args, { classes: 'server', extra: [await compile()] })
}

const programMs = 300_000

/** Returns a batch as a line of input of `MetadataWriter`. */
function asJson(batch: readonly MetadataRecord[]): string {
  return JSON.stringify(
    batch.map((record) => {
      const { of, version, value } = decodeMetadataRecord(encodeMetadataRecord(record))
      return { type: of.key, version, data: plain(value) }
    }),
  )
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
}

interface KafkaImage {
  readonly provenance: {
    readonly lastContainedOffset: number
    readonly lastContainedEpoch: number
  }
}

/** Times of records, and whether an image ends with a batch, are not kept here. */
function withoutTimes(image: KafkaImage): KafkaImage {
  const { lastContainedOffset, lastContainedEpoch } = image.provenance
  return { ...image, provenance: { lastContainedOffset, lastContainedEpoch } }
}

const byKey = <V>(entries: Iterable<readonly [string | number, V]>): Record<string, V> =>
  Object.fromEntries(entries)

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const listeners = (endpoints: readonly Endpoint[]) =>
  byKey(
    endpoints.map(({ name: listener, host, port, securityProtocol }) => [
      listener,
      { listener, host, port, securityProtocol: protocols[securityProtocol] },
    ]),
  )
const ranges = (features: readonly FeatureRange[]) =>
  byKey(
    features.map(({ name, minSupportedVersion: min, maxSupportedVersion: max }) => [
      name,
      { min, max },
    ]),
  )

function broker(state: BrokerState) {
  // Kafka's controllers keep the offset of the registration beside the image.
  const { registeredAt: _, endpoints, features, logDirs, cordonedLogDirs, ...same } = state
  return {
    ...same,
    ...{ listeners: listeners(endpoints), supportedFeatures: ranges(features) },
    directories: logDirs,
    cordonedDirectories: cordonedLogDirs,
  }
}

function partition(state: PartitionState) {
  const { eligibleLeaderReplicas: elr, leaderRecoveryState, ...same } = state
  return { ...same, elr, leaderRecoveryState: ['RECOVERED', 'RECOVERING'][leaderRecoveryState] }
}

type TokenState = Image['delegationTokens'] extends Iterable<readonly [string, infer V]> ? V : never

function token(state: TokenState) {
  const { owner, requester, renewers, expirationTimestamp: expiryTimestamp, ...same } = state
  const tokenRequester = principal(requester)
  return {
    tokenInformation: {
      ...{ ...same, owner: principal(owner), tokenRequester, renewers: renewers.map(principal) },
      expiryTimestamp,
    },
  }
}

function principal(text: string) {
  const { type: principalType, name } = parsePrincipal(text)
  return { principalType, name, tokenAuthenticated: false }
}

const upper = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
const nameIn = (codes: Readonly<Record<string, number>>, code: number) =>
  upper(Object.keys(codes).find((name) => codes[name] === code)!)

function acl(state: AccessControlEntryRecord) {
  const { id: _, resourceType, patternType, operation, permissionType, ...same } = state
  return {
    ...same,
    ...{
      resourceType: nameOf(aclResourceTypes, resourceType),
      patternType: nameOf(patternTypes, patternType),
      operation: nameOf(aclOperations, operation),
      permissionType: nameOf(permissionTypes, permissionType),
    },
  }
}

/** Kafka keeps the quotas three times: by entity, by type, and by type and name. */
function quotas(image: Image) {
  const entities: Record<string, object> = {}
  const entitiesByType: Record<string, Record<string, object>> = {}
  const entitiesByTypeAndName: Record<string, Record<string, Record<string, object>>> = {}
  for (const { entity, values } of image.quotas.values()) {
    const parts = entity.map(({ entityType, entityName }) => [entityType, entityName] as const)
    const entries = byKey(parts.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const key = JSON.stringify({ entries })
    const state = { quotas: byKey(values) }
    entities[key] = state
    for (const [type, name] of parts) {
      ;(entitiesByType[type] ??= {})[key] = state
      ;((entitiesByTypeAndName[type] ??= {})[String(name)] ??= {})[key] = state
    }
  }
  return { entities, entitiesByType, entitiesByTypeAndName }
}

function scram(image: Image) {
  const mechanisms: Record<string, Record<string, object>> = {}
  for (const { user, mechanism, ...state } of image.scram.values()) {
    const name = ['', 'SCRAM_SHA_256', 'SCRAM_SHA_512'][mechanism]!
    const text = Object.entries(state).map(
      ([field, value]) =>
        [field, Buffer.isBuffer(value) ? value.toString('base64') : value] as const,
    )
    ;(mechanisms[name] ??= {})[user] = byKey(text)
  }
  return { mechanisms }
}

function configs(image: Image) {
  const data: Record<string, object> = {}
  for (const [key, overrides] of image.configs) {
    const at = key.indexOf(':')
    const type = nameIn(resourceTypes, Number(key.slice(0, at)))
    const name = key.slice(at + 1)
    data[JSON.stringify({ name, type })] = { data: byKey(overrides), resource: { name, type } }
  }
  return { data }
}

function features(image: Image) {
  const { 'metadata.version': level, ...finalizedVersions } = byKey(image.features)
  return { finalizedVersions, metadataVersion: level ?? null }
}

/** Returns an image in the form of `kafkaImages`. */
export function asKafkaImage(image: Image): KafkaImage {
  const topics = [...image.topics.values()].map((topic) => ({
    ...topic,
    partitions: byKey(topic.partitions.map((one, i) => [i, partition(one)])),
  }))
  const fields = {
    acls: { acls: byKey([...image.acls].map(([id, one]) => [id, acl(one)])) },
    clientQuotas: quotas(image),
    cluster: {
      brokers: byKey([...image.brokers].map(([id, one]) => [id, broker(one)])),
      controllers: byKey(
        [...image.controllers].map(([id, { endpoints, features: own, ...same }]) => [
          id,
          { ...same, listeners: listeners(endpoints), supportedFeatures: ranges(own) },
        ]),
      ),
    },
    configs: configs(image),
    delegationTokens: {
      tokens: byKey([...image.delegationTokens].map(([id, one]) => [id, token(one)])),
    },
    features: features(image),
    // Before the first record, Kafka has -1.
    producerIds: { nextProducerId: image.nextProducerId === 0 ? -1 : image.nextProducerId },
    provenance: { lastContainedEpoch: image.epoch, lastContainedOffset: image.offset },
    scram: scram(image),
    topics: {
      topicsById: byKey(topics.map((topic) => [topic.id, topic])),
      topicsByName: byKey(topics.map((topic) => [topic.name, topic])),
    },
  }
  return JSON.parse(JSON.stringify(fields)) as KafkaImage
}
