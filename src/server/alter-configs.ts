import { repeated } from '../base/repeated.ts'
import { resourceTypes } from '../metadata/config/keys.ts'
import {
  alterConfigs,
  configOperations,
  type ResourceChange,
} from '../metadata/controller/alter-configs.ts'
import { ApiError, type ErrorName, errorCode } from '../protocol/errors.ts'
import { authorize, clusterResource, refusalText } from './access.ts'
import { checkBrokerChange } from './check-broker-change.ts'
import { rootLogger } from './describe-configs.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

interface Answer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/** Returns the same error for every resource: both responses lack a top-level error code. */
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

/** Serves AlterConfigs and IncrementalAlterConfigs: one answer per resource, in request order. */
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
  const twice = repeated(resources, keyOf)
  const sound: ResourceChange[] = []
  for (const one of resources) {
    try {
      if (twice.has(keyOf(one))) {
        throw new ApiError('INVALID_REQUEST', 'Each resource must appear at most once.')
      }
      authorizeChange(one, context, services)
      if (one.type === resourceTypes.brokerLogger) {
        checkLogger(one, services)
        if (!validateOnly) setLevel(one, services)
        answer(one, 'NONE', null)
      } else {
        if (one.type === resourceTypes.broker) await checkBrokerChange(one, services)
        sound.push(one)
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      answer(one, error.reason, error.detail ?? refusalText(error.code))
    }
  }
  const { brokerId } = services.identity
  const altered = await services.metadata.submit(alterConfigs(sound, { validateOnly, brokerId }))
  altered.forEach(({ error, errorMessage }, i) => {
    answer(sound[i]!, error, errorMessage)
  })
  return resources.map((one) => answers.get(one)!)
}

const logLevels = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN']

/** Maps Kafka's log levels to the closest level of our logger, where the names differ. */
const levelOf: Readonly<Record<string, string>> = { TRACE: 'debug', FATAL: 'error' }

/** Sets the log level until the process ends: as in Kafka, levels are not in the metadata. */
function setLevel({ changes }: ResourceChange, { logger }: Services): void {
  if (logger.level === undefined) {
    throw new ApiError('INVALID_REQUEST', 'The logger that this broker was given has no level')
  }
  for (const { value } of changes) logger.level = levelOf[value!] ?? value!.toLowerCase()
}

/**
 * Allows only the root logger: all log lines of the broker share one level.
 * @throws ApiError as `RuntimeLoggerManager` does.
 */
function checkLogger({ name: node, changes, replacesAll }: ResourceChange, services: Services) {
  if (replacesAll) throw new ApiError('INVALID_REQUEST', 'Unknown resource type 8')
  const nulls = changes.filter(
    (one) => one.operation !== configOperations.delete && one.value === null,
  )
  if (nulls.length > 0) {
    const names = nulls.map(({ name }) => name).join(',')
    throw new ApiError('INVALID_REQUEST', `Null value not supported for : ${names}`)
  }
  checkNode(node, services)
  for (const { name, operation, value } of changes) {
    if (operation !== configOperations.set && operation !== configOperations.delete) {
      const verb = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'][operation]
      const detail =
        verb === undefined
          ? `Unknown operation type ${operation} is not allowed for the BROKER_LOGGER resource`
          : `${verb} operation is not allowed for the BROKER_LOGGER resource`
      throw new ApiError('INVALID_REQUEST', detail)
    }
    if (name !== rootLogger) {
      throw new ApiError('INVALID_CONFIG', `Logger ${name} does not exist!`)
    }
    if (operation === configOperations.delete) {
      throw new ApiError(
        'INVALID_REQUEST',
        'Removing the log level of the root logger is not allowed',
      )
    }
    if (!logLevels.includes(value ?? '')) {
      const levels = logLevels.join(', ')
      throw new ApiError(
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
  throw new ApiError('INVALID_REQUEST', detail)
}

const keyOf = ({ type, name }: ResourceChange) => `${type}/${name}`

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
