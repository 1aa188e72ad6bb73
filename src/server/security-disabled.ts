import { errorCode } from '../protocol/errors.ts'

/** What Kafka answers to questions about ACLs when it has no authorizer. */
export const securityDisabled = {
  errorCode: errorCode('SECURITY_DISABLED'),
  errorMessage: 'No Authorizer is configured on the broker',
}

/** What Kafka's controller answers to changes of ACLs when it has no authorizer. */
export const alterSecurityDisabled = {
  errorCode: errorCode('SECURITY_DISABLED'),
  errorMessage: 'No Authorizer is configured.',
}
