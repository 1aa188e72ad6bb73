import { resourceTypes } from '../metadata/config/keys.ts'
import { alterConfigs, type ResourceChange } from '../metadata/controller/alter-configs.ts'
import { type ErrorName, errorCode, Refusal } from '../protocol/errors.ts'
import { authorize, clusterResource } from './access.ts'
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
      // Our log lines have one level, which a broker is started with: there is nothing to alter.
      if (one.type === resourceTypes.brokerLogger) answer(one, 'NONE', null)
      else sound.push(one)
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
