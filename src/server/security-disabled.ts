import { errorCode } from '../protocol/errors.ts'

/** Kafka's response to DescribeAcls without an authorizer. */
export const securityDisabled = {
  errorCode: errorCode('SECURITY_DISABLED'),
  errorMessage: 'No Authorizer is configured on the broker',
}

/** Kafka's controller's response to changes of ACLs without an authorizer. */
export const alterSecurityDisabled = {
  errorCode: errorCode('SECURITY_DISABLED'),
  errorMessage: 'No Authorizer is configured.',
}
