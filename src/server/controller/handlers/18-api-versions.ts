import { apiVersionsHandler } from '../../handlers/18-api-versions.ts'
import type { ControllerServices } from '../services.ts'

/** ApiVersions of a controller. */
export const handleControllerVersions = apiVersionsHandler<ControllerServices>(
  ({ identity }) => identity.nodeId,
)
