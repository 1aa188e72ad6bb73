import { repeated } from '../../base/repeated.ts'
import { resourceTypes } from '../../metadata/config/keys.ts'
import { alterConfigs, type ResourceChange } from '../../metadata/controller/alter-configs.ts'
import { ApiError } from '../../protocol/errors.ts'
import { authorize, clusterResource, refusalText } from '../access.ts'
import { type AlteredAnswer, answerOf, resourceKey } from '../alter-configs.ts'
import type { RequestContext } from '../handler.ts'
import type { ControllerServices } from './services.ts'

/** Serves AlterConfigs and IncrementalAlterConfigs: one answer per resource, in request order. */
export async function alterResources(
  resources: readonly ResourceChange[],
  validateOnly: boolean,
  context: RequestContext,
  services: ControllerServices,
): Promise<AlteredAnswer[]> {
  const answers = new Map<ResourceChange, AlteredAnswer>()
  const twice = repeated(resources, resourceKey)
  const sound: ResourceChange[] = []
  for (const one of resources) {
    try {
      if (twice.has(resourceKey(one))) throw new ApiError('INVALID_REQUEST', 'Duplicate resource.')
      authorizeChange(one, context, services)
      sound.push(one)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      answers.set(one, answerOf(one, error.reason, error.detail ?? refusalText(error.code)))
    }
  }
  const altered = await services.metadata.submit(alterConfigs(sound, { validateOnly }))
  altered.forEach(({ error, errorMessage }, i) => {
    answers.set(sound[i]!, answerOf(sound[i]!, error, errorMessage))
  })
  return resources.map((one) => answers.get(one)!)
}

function authorizeChange(
  { type, name }: ResourceChange,
  context: RequestContext,
  services: ControllerServices,
): void {
  if (type === resourceTypes.topic) authorize(services, context, 'ALTER_CONFIGS', 'topic', name)
  else if (type === resourceTypes.group)
    authorize(services, context, 'ALTER_CONFIGS', 'group', name)
  else authorize(services, context, 'ALTER_CONFIGS', 'cluster', clusterResource)
}
