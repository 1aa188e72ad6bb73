import { ApiError, defaultMessage, errorCode, errorName } from '../protocol/errors.ts'
import {
  type AclOperation,
  type Authorizer,
  authorizedOperations,
  operationsNotRequested,
  type ResourceKind,
} from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'

/** The services of a broker or a controller. */
interface Authorized {
  readonly authorizer: Authorizer
}

const refusals = {
  topic: 'TOPIC_AUTHORIZATION_FAILED',
  group: 'GROUP_AUTHORIZATION_FAILED',
  cluster: 'CLUSTER_AUTHORIZATION_FAILED',
  transactionalId: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  delegationToken: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
  user: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
} as const

/** Name of the only resource of kind `cluster`. */
export const clusterResource = 'kafka-cluster'

/** @param isDenialLogged false where Kafka's `logIfDenied` is. */
export function mayAccess(
  services: Authorized,
  { session: { principal, clientHost: host, isSameProcess }, request }: RequestContext,
  operation: AclOperation,
  kind: ResourceKind,
  name: string,
  isDenialLogged = true,
): boolean {
  if (isSameProcess) return true
  const resource = { operation, kind, name }
  const asked = { principal, host, ...resource, request, isDenialLogged }
  return services.authorizer.isAllowed(asked)
}

/** Whether an operation is allowed on some resource of a kind, whatever its name. */
export function mayAccessAny(
  services: Authorized,
  { session: { principal, clientHost: host }, request }: RequestContext,
  operation: AclOperation,
  kind: ResourceKind,
): boolean {
  const access = { principal, host, operation, kind, request, isDenialLogged: true }
  return services.authorizer.isAllowedOnAny(access)
}

const refusalCodes: ReadonlySet<number> = new Set(Object.values(refusals).map(errorCode))

/**
 * Returns Kafka's text of an authorization error, for responses that carry it; null for other
 * errors. Where Kafka's text quotes its own request object, this one stands instead.
 */
export function refusalText(code: number): string | null {
  return refusalCodes.has(code) ? defaultMessage(errorName(code)) : null
}

/** @throws ApiError `…_AUTHORIZATION_FAILED` for the resource's kind, unless access is allowed. */
export function authorize(
  services: Authorized,
  context: RequestContext,
  operation: AclOperation,
  kind: ResourceKind,
  name: string,
): void {
  if (!mayAccess(services, context, operation, kind, name)) throw new ApiError(refusals[kind])
}

/** Returns the authorized operations of a resource, or `operationsNotRequested` unless `asked`. */
export function operationsIfAsked(
  asked: boolean,
  services: Authorized,
  { session: { principal, clientHost: host }, request }: RequestContext,
  kind: ResourceKind,
  name: string,
): number {
  if (!asked) return operationsNotRequested
  return authorizedOperations(services.authorizer, { principal, host, kind, name, request })
}

/** Describes the client of a group request for the group coordinator. */
export function groupClient(context: RequestContext, services: Authorized) {
  const { clientId, session } = context
  return {
    clientId: clientId ?? '',
    clientHost: session.clientHost,
    mayDescribe: (topic: string) => mayAccess(services, context, 'DESCRIBE', 'topic', topic),
  }
}
