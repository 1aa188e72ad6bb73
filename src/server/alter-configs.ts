import { resourceTypes } from '../metadata/config/keys.ts'
import {
  alterConfigs,
  configOperations,
  type ResourceChange,
} from '../metadata/controller/alter-configs.ts'
import { type ErrorName, errorCode, Refusal } from '../protocol/errors.ts'
import { authorize, clusterResource } from './access.ts'
import { rootLogger } from './describe-configs.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

interface Answer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/** The same error for every resource: neither request has a place for one above them. */
export function refuseAll(
  resources: readonly Pick<Answer, 'resourceType' | 'resourceName'>[],
  code: number,
): Answer[] {
  return resources.map(({ resourceType, resourceName }) => ({
    errorCode: code,
    errorMessage: null,
    resourceType,
    resourceName,
  }))
}

/** What AlterConfigs and IncrementalAlterConfigs share: one answer a resource, in their order. */
export async function alterResources(
  resources: readonly ResourceChange[],
  validateOnly: boolean,
  context: RequestContext,
  services: Services,
): Promise<Answer[]> {
  const answers = new Map<ResourceChange, Answer>()
  const answer = (one: ResourceChange, error: ErrorName, errorMessage: string | null) =>
    answers.set(one, {
      errorCode: errorCode(error),
      errorMessage,
      resourceType: one.type,
      resourceName: one.name,
    })
  const sound: ResourceChange[] = []
  for (const one of resources) {
    try {
      checkOnce(one, resources)
      authorizeChange(one, context, services)
      if (one.type === resourceTypes.brokerLogger) {
        checkLogger(one, services)
        if (!validateOnly) setLevel(one, services)
        answer(one, 'NONE', null)
      } else {
        if (one.type === resourceTypes.broker) checkBrokerValues(one, services)
        sound.push(one)
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      answer(one, error.reason, error.detail)
    }
  }
  const { brokerId } = services.identity
  const altered = await services.metadata.submit(alterConfigs(sound, { validateOnly, brokerId }))
  altered.forEach(({ error, errorMessage }, i) => {
    answer(sound[i]!, error, errorMessage)
  })
  return resources.map((one) => answers.get(one)!)
}

/**
 * What Kafka's broker looks at before it asks the controller.
 * @throws Refusal INVALID_REQUEST with its words.
 */
function checkBrokerValues({ name, changes }: ResourceChange, { settings }: Services): void {
  const entriesOf = (key: string) => {
    const set = changes.find((one) => one.name === key && one.operation === configOperations.set)
    return (set?.value ?? '').split(',').flatMap((entry) => entry.trim() || [])
  }
  const perIp = 'max.connections.per.ip.overrides'
  const odd = entriesOf(perIp).find((entry) => !entry.includes(':'))
  if (odd !== undefined) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Error parsing configuration property '${perIp}': begin 0, end -1, length ${odd.length}`,
    )
  }
  if (name === '') return
  const dirs = settings.list(settings.isSet('log.dirs') ? 'log.dirs' : 'log.dir')
  const missing = entriesOf('cordoned.log.dirs').filter((dir) => dir !== '*' && !dirs.includes(dir))
  if (missing.length > 0) {
    throw new Refusal(
      'INVALID_REQUEST',
      'requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. ' +
        `Missing entries : ${missing.join(', ')}`,
    )
  }
}

const logLevels = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN']

/** Of our logger's levels those that say as much. */
const levelOf: Readonly<Record<string, string>> = { TRACE: 'debug', FATAL: 'error' }

/** Until the process ends: levels are not in the metadata, as in Kafka. */
function setLevel({ changes }: ResourceChange, { logger }: Services): void {
  if (logger.level === undefined) {
    throw new Refusal('INVALID_REQUEST', 'The logger that this broker was given has no level')
  }
  for (const { value } of changes) logger.level = levelOf[value!] ?? value!.toLowerCase()
}

/**
 * Our log lines have one level for all: only the root logger exists.
 *
 * @throws Refusal as `RuntimeLoggerManager` does.
 */
function checkLogger({ name: node, changes, replacesAll }: ResourceChange, services: Services) {
  if (replacesAll) throw new Refusal('INVALID_REQUEST', 'Unknown resource type 8')
  const nulls = changes.filter(
    (one) => one.operation !== configOperations.delete && one.value === null,
  )
  if (nulls.length > 0) {
    const names = nulls.map(({ name }) => name).join(',')
    throw new Refusal('INVALID_REQUEST', `Null value not supported for : ${names}`)
  }
  checkNode(node, services)
  for (const { name, operation, value } of changes) {
    if (operation !== configOperations.set && operation !== configOperations.delete) {
      const verb = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'][operation]
      const detail =
        verb === undefined
          ? `Unknown operation type ${operation} is not allowed for the BROKER_LOGGER resource`
          : `${verb} operation is not allowed for the BROKER_LOGGER resource`
      throw new Refusal('INVALID_REQUEST', detail)
    }
    if (name !== rootLogger) {
      throw new Refusal('INVALID_CONFIG', `Logger ${name} does not exist!`)
    }
    if (operation === configOperations.delete) {
      throw new Refusal(
        'INVALID_REQUEST',
        'Removing the log level of the root logger is not allowed',
      )
    }
    if (!logLevels.includes(value ?? '')) {
      const levels = logLevels.join(', ')
      throw new Refusal(
        'INVALID_CONFIG',
        `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${levels}`,
      )
    }
  }
}

function checkNode(name: string, { identity }: Services): void {
  const expected = String(identity.brokerId)
  if (name === expected) return
  const detail = /^[+-]?\d+$/.test(name)
    ? `Unexpected node id. Expected ${expected}, but received ${name}`
    : `Node id must be an integer, but it is: ${name}`
  throw new Refusal('INVALID_REQUEST', detail)
}

function checkOnce({ type, name }: ResourceChange, all: readonly ResourceChange[]): void {
  if (all.filter((other) => other.type === type && other.name === name).length > 1) {
    throw new Refusal('INVALID_REQUEST', 'Each resource must appear at most once.')
  }
}

function authorizeChange(
  { type, name }: ResourceChange,
  context: RequestContext,
  services: Services,
): void {
  if (type === resourceTypes.topic) authorize(services, context, 'ALTER_CONFIGS', 'topic', name)
  else if (type === resourceTypes.group)
    authorize(services, context, 'ALTER_CONFIGS', 'group', name)
  else authorize(services, context, 'ALTER_CONFIGS', 'cluster', clusterResource)
}
