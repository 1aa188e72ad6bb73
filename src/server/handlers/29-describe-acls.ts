import { describeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { securityDisabled } from '../security-disabled.ts'

/** DescribeAcls: without an authorizer there are none to describe, as in Kafka. */
export const handleDescribeAcls = handler(
  describeAcls,
  (_request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    return { throttleTimeMs: 0, ...securityDisabled, resources: [] }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    resources: [],
  }),
)
