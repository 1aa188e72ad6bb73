import { int64Max } from '../../base/int64.ts'
import type { ErrorName } from '../../protocol/errors.ts'
import {
  type DelegationTokenRecord,
  delegationTokenRecord,
} from '../../protocol/stored/metadata/10-delegation-token-record.ts'
import { removeDelegationTokenRecord } from '../../protocol/stored/metadata/26-remove-delegation-token-record.ts'
import {
  isExpired,
  mayRenew,
  principalText,
  type TokenPrincipal,
  tokenSecretOf,
} from '../delegation-tokens.ts'
import type { Image } from '../image.ts'
import { metadataRecord } from '../records.ts'
import { type Command, type ControllerView, type Decision, randomUuid } from './controller.ts'
import { metadataVersionFeature } from './features.ts'

/** The first level of `metadata.version` with records of tokens, 3.6-IV2. */
const metadataVersionMin = 14
/** A search for the token of an HMAC yields after every so many tokens. */
const tokensBetween = 64

/** A new token, or why there is none. */
export type CreatedToken =
  | { readonly error: 'NONE'; readonly token: DelegationTokenRecord; readonly hmac: Buffer }
  | { readonly error: ErrorName; readonly token: null }

/** The new end of a token's life, 0 if there is an error. */
export interface ChangedToken {
  readonly error: ErrorName
  readonly expiryTimestampMs: number
}

/** Creates a token (`DelegationTokenControlManager`). */
export function createToken(asked: {
  readonly owner: TokenPrincipal
  readonly requester: TokenPrincipal
  readonly renewers: readonly TokenPrincipal[]
  /** Longest life in ms; the controller's limit if not positive. */
  readonly maxLifetimeMs: number
  /** Computes the HMAC that proves the possession of a token. */
  readonly hmacOf: (secretKey: string, tokenId: string) => Buffer
}): Command<CreatedToken> {
  return ({ image, settings, random, nowMs }) => {
    const refusal = refusalOf(image, settings)
    if (refusal !== null) return { records: [], answer: { error: refusal, token: null } }
    const limitMs = settings.int('delegation.token.max.lifetime.ms')
    const maxTimestamp = later(nowMs, shorter(limitMs, asked.maxLifetimeMs))
    const expiryMs = settings.int('delegation.token.expiry.time.ms')
    const token = {
      owner: principalText(asked.owner),
      requester: principalText(asked.requester),
      renewers: asked.renewers.map(principalText),
      issueTimestamp: nowMs,
      maxTimestamp,
      expirationTimestamp: Math.min(maxTimestamp, later(nowMs, expiryMs)),
      tokenId: randomUuid(random),
    }
    const hmac = asked.hmacOf(tokenSecretOf(settings)!, token.tokenId)
    const records = [metadataRecord(delegationTokenRecord, token)]
    return { records, answer: { error: 'NONE', token, hmac } }
  }
}

/** A change of the token that an HMAC is of, and who wants it. */
interface TokenChange {
  readonly principal: TokenPrincipal
  /** Whether the HMAC is that of a token. */
  readonly isOf: (secretKey: string, token: DelegationTokenRecord) => boolean
}

/** Prolongs the life of a token, from now on, within its maximum. */
export function renewToken(
  change: TokenChange & {
    /** In ms; the controller's limit if not positive. */
    readonly renewPeriodMs: number
  },
): Command<ChangedToken> {
  return function* (view) {
    const { settings, nowMs } = view
    const found = yield* find(view, change)
    if (found.token === null) return failed(found.error)
    if (isExpired(found.token, nowMs)) return failed('DELEGATION_TOKEN_EXPIRED')
    if (!mayRenew(found.token, change.principal)) return failed('DELEGATION_TOKEN_OWNER_MISMATCH')
    const limitMs = settings.int('delegation.token.expiry.time.ms')
    return withEnd(found.token, later(nowMs, shorter(limitMs, change.renewPeriodMs)))
  }
}

/** Changes the end of a token's life; a negative period removes it, also if it has expired. */
export function expireToken(
  change: TokenChange & { readonly expiryTimePeriodMs: number },
): Command<ChangedToken> {
  return function* (view) {
    const { nowMs } = view
    const found = yield* find(view, change)
    if (found.token === null) return failed(found.error)
    const { token } = found
    if (!mayRenew(token, change.principal)) return failed('DELEGATION_TOKEN_OWNER_MISMATCH')
    if (change.expiryTimePeriodMs < 0) {
      return { records: [removalOf(token)], answer: { error: 'NONE', expiryTimestampMs: nowMs } }
    }
    if (isExpired(token, nowMs)) return failed('DELEGATION_TOKEN_EXPIRED')
    return withEnd(token, later(nowMs, change.expiryTimePeriodMs))
  }
}

/** Removes all tokens that have expired. */
export const sweepTokens: Command<void> = ({ image, nowMs }) => {
  const expired = [...image.delegationTokens.values()].filter((token) => isExpired(token, nowMs))
  return { records: expired.map(removalOf), answer: undefined }
}

function refusalOf(image: Image, settings: ControllerView['settings']): ErrorName | null {
  if (tokenSecretOf(settings) === null) return 'DELEGATION_TOKEN_AUTH_DISABLED'
  const level = image.features.get(metadataVersionFeature) ?? 0
  return level < metadataVersionMin ? 'UNSUPPORTED_VERSION' : null
}

type Found =
  | { readonly token: DelegationTokenRecord }
  | { readonly token: null; readonly error: ErrorName }

/** Compares with the HMAC of each token: the image contains none. */
function* find({ image, settings }: ControllerView, { isOf }: TokenChange): Generator<void, Found> {
  const refusal = refusalOf(image, settings)
  if (refusal !== null) return { token: null, error: refusal }
  const secretKey = tokenSecretOf(settings)!
  let searched = 0
  for (const token of image.delegationTokens.values()) {
    if (isOf(secretKey, token)) return { token }
    if (++searched % tokensBetween === 0) yield
  }
  return { token: null, error: 'DELEGATION_TOKEN_NOT_FOUND' }
}

function withEnd(token: DelegationTokenRecord, endMs: number): Decision<ChangedToken> {
  const expirationTimestamp = Math.min(token.maxTimestamp, endMs)
  return {
    records: [metadataRecord(delegationTokenRecord, { ...token, expirationTimestamp })],
    answer: { error: 'NONE', expiryTimestampMs: expirationTimestamp },
  }
}

const failed = (error: ErrorName): Decision<ChangedToken> => ({
  records: [],
  answer: { error, expiryTimestampMs: 0 },
})

const removalOf = ({ tokenId }: DelegationTokenRecord) =>
  metadataRecord(removeDelegationTokenRecord, { tokenId })

const shorter = (limitMs: number, askedMs: number) =>
  askedMs > 0 ? Math.min(limitMs, askedMs) : limitMs

const later = (nowMs: number, byMs: number) => Math.min(int64Max, nowMs + byMs)
