import { Refusal } from '../protocol/errors.ts'
import {
  type AclOperation,
  authorizedOperations,
  operationsNotRequested,
  type ResourceKind,
} from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

const refusals = {
  topic: 'TOPIC_AUTHORIZATION_FAILED',
  group: 'GROUP_AUTHORIZATION_FAILED',
  cluster: 'CLUSTER_AUTHORIZATION_FAILED',
  transactionalId: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  delegationToken: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
} as const

/** The name of the one resource of kind `cluster`. */
export const clusterResource = 'kafka-cluster'

export function mayAccess(
  services: Services,
  { principal }: RequestContext,
  operation: AclOperation,
  kind: ResourceKind,
  name: string,
): boolean {
  return services.authorizer.isAllowed(principal, operation, kind, name)
}

/** @throws Refusal `…_AUTHORIZATION_FAILED` of the resource's kind. */
export function authorize(
  services: Services,
  context: RequestContext,
  operation: AclOperation,
  kind: ResourceKind,
  name: string,
): void {
  if (!mayAccess(services, context, operation, kind, name)) throw new Refusal(refusals[kind])
}

/** The authorized operations of a resource if `asked` for, else the number that says they were not. */
export function operationsIfAsked(
  asked: boolean,
  services: Services,
  { principal }: RequestContext,
  kind: ResourceKind,
  name: string,
): number {
  if (!asked) return operationsNotRequested
  return authorizedOperations(services.authorizer, principal, kind, name)
}

/** Who asks something of a group, as the group's coordinator sees it. */
export function groupClient(context: RequestContext, services: Services) {
  const { clientId, clientHost } = context
  return {
    clientId: clientId ?? '',
    clientHost,
    mayDescribe: (topic: string) => mayAccess(services, context, 'DESCRIBE', 'topic', topic),
  }
}
