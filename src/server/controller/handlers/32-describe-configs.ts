import { handleDescribeConfigs } from '../../handlers/32-describe-configs.ts'
import { controllerHandler } from '../handler.ts'

/** DescribeConfigs of a controller: of its own node, and of what the metadata contain. */
export const handleControllerConfigs = controllerHandler(
  handleDescribeConfigs.api,
  (request, context, services) => {
    const identity = { brokerId: services.identity.nodeId }
    return handleDescribeConfigs.handle(request, context, { ...services, identity })
  },
  handleDescribeConfigs.refuse,
)
