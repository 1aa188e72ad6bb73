import { repeated } from '../base/repeated.ts'
import { resourceTypes } from '../metadata/config/keys.ts'
import { configOperations, type ResourceChange } from '../metadata/controller/alter-configs.ts'
import { ApiError, type ErrorName, errorCode } from '../protocol/errors.ts'
import type { AlterConfigsRequest } from '../protocol/messages/33-alter-configs.ts'
import type { IncrementalAlterConfigsRequest } from '../protocol/messages/44-incremental-alter-configs.ts'
import { authorize, clusterResource } from './access.ts'
import { checkBrokerChange, checkChanges } from './check-broker-change.ts'
import { rootLogger } from './describe-configs.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

/** The part of a response for one resource. */
export interface AlteredAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/** Returns the same error for every resource: both responses lack a top-level error code. */
export function refuseAll(
  resources: readonly Pick<AlteredAnswer, 'resourceType' | 'resourceName'>[],
  code: number,
): AlteredAnswer[] {
  return resources.map(({ resourceType, resourceName }) => ({
    errorCode: code,
    errorMessage: null,
    resourceType,
    resourceName,
  }))
}

/** Returns the changes of AlterConfigs, which resets configs not named to their default. */
export function replacements({ resources }: AlterConfigsRequest): ResourceChange[] {
  return resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, value }) => ({ name, operation: configOperations.set, value })),
    replacesAll: true,
  }))
}

/** Returns the changes of IncrementalAlterConfigs, which leaves configs not named unchanged. */
export function increments({ resources }: IncrementalAlterConfigsRequest): ResourceChange[] {
  return resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, configOperation, value }) => ({
      ...{ name, operation: configOperation, value },
    })),
    replacesAll: false,
  }))
}

export function answerOf(
  { type, name }: Pick<ResourceChange, 'type' | 'name'>,
  error: ErrorName,
  errorMessage: string | null,
): AlteredAnswer {
  return { errorCode: errorCode(error), errorMessage, resourceType: type, resourceName: name }
}

export const resourceKey = ({ type, name }: Pick<ResourceChange, 'type' | 'name'>) =>
  `${type}/${name}`

/**
 * Does this broker's part of AlterConfigs and IncrementalAlterConfigs: log levels, and the checks
 * of broker settings, which only this broker can make (`ConfigAdminManager.preprocess`). The other
 * resources are forwarded.
 * @param forward gets the places of these resources in the request.
 */
export async function alterHere(
  resources: readonly ResourceChange[],
  validateOnly: boolean,
  forward: (places: readonly number[]) => Promise<readonly AlteredAnswer[]>,
  context: RequestContext,
  services: Services,
): Promise<AlteredAnswer[]> {
  const twice = repeated(resources, resourceKey)
  const answers: (AlteredAnswer | null)[] = []
  for (const one of resources) {
    try {
      if (twice.has(resourceKey(one))) {
        throw new ApiError('INVALID_REQUEST', 'Each resource must appear at most once.')
      }
      const isDone = await preprocess(one, validateOnly, context, services)
      answers.push(isDone ? answerOf(one, 'NONE', null) : null)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      answers.push(answerOf(one, error.reason, error.detail))
    }
  }
  const places = answers.flatMap((answer, place) => (answer === null ? [place] : []))
  const forwarded = places.length === 0 ? [] : await forward(places)
  const byKey = new Map(
    forwarded.map((one) => [resourceKey({ type: one.resourceType, name: one.resourceName }), one]),
  )
  return answers.map((answer, place) => {
    const resource = resources[place]!
    return (
      answer ?? byKey.get(resourceKey(resource)) ?? answerOf(resource, 'UNKNOWN_SERVER_ERROR', null)
    )
  })
}

/** @returns whether nothing is left for the controller. */
async function preprocess(
  resource: ResourceChange,
  validateOnly: boolean,
  context: RequestContext,
  services: Services,
): Promise<boolean> {
  const { type } = resource
  checkChanges(resource)
  const isOfLogger = type === resourceTypes.brokerLogger && !resource.replacesAll
  if (!isOfLogger && type !== resourceTypes.broker) {
    if (isForwarded(type)) return false
    throw new ApiError('INVALID_REQUEST', `Unknown resource type ${type}`)
  }
  authorize(services, context, 'ALTER_CONFIGS', 'cluster', clusterResource)
  if (!isOfLogger) {
    await checkBrokerChange(resource, services)
    return false
  }
  checkLogger(resource, services)
  if (!validateOnly) setLevel(resource, services)
  return true
}

const isForwarded = (type: number) =>
  type === resourceTypes.topic ||
  type === resourceTypes.group ||
  type === resourceTypes.clientMetrics

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
function checkLogger({ name: node, changes }: ResourceChange, services: Services) {
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
