import type { DelegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import type { BrokerSettings } from './config/settings.ts'

/** An owner, requester or renewer of a token. */
export interface TokenPrincipal {
  readonly type: string
  readonly name: string
}

/** Returns `delegation.token.secret.key`; null if tokens are disabled. */
export function tokenSecretOf(settings: BrokerSettings): string | null {
  return settings.string('delegation.token.secret.key') || null
}

/** Returns a principal as records contain it: `User:alice`. */
export function principalText({ type, name }: TokenPrincipal): string {
  return `${type}:${name}`
}

/** Reads a principal of a record: its name, not its type, may contain a colon. */
export function parsePrincipal(text: string): TokenPrincipal {
  const at = text.indexOf(':')
  return { type: text.slice(0, at), name: text.slice(at + 1) }
}

export function isSamePrincipal(a: TokenPrincipal, b: TokenPrincipal): boolean {
  return a.type === b.type && a.name === b.name
}

export function isExpired(token: DelegationTokenRecord, nowMs: number): boolean {
  return token.maxTimestamp < nowMs || token.expirationTimestamp < nowMs
}

/** Whether a principal may renew and expire a token: its requester as such may not. */
export function mayRenew(token: DelegationTokenRecord, principal: TokenPrincipal): boolean {
  return isAmong([token.owner, ...token.renewers], principal)
}

/** Whether a token is one of a principal's own, which it sees without any right. */
export function isTokenOf(token: DelegationTokenRecord, principal: TokenPrincipal): boolean {
  return isAmong([token.owner, token.requester, ...token.renewers], principal)
}

function isAmong(texts: readonly string[], principal: TokenPrincipal): boolean {
  return hasText(principal) && texts.includes(principalText(principal))
}

/** Whether records can contain a principal: its type ends at the first colon. */
function hasText({ type }: TokenPrincipal): boolean {
  return !type.includes(':')
}

/** Returns a function that tells whether a token is one of any of these principals. */
export function tokensOf(
  principals: readonly TokenPrincipal[],
): (token: DelegationTokenRecord) => boolean {
  const texts = new Set(principals.filter(hasText).map(principalText))
  return ({ owner, requester, renewers }) =>
    texts.has(owner) || texts.has(requester) || renewers.some((one) => texts.has(one))
}
