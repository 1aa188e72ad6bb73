import { expect, test } from 'vitest'
import { systemRandom } from '../../src/base/random.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import {
  type CreatedToken,
  createToken,
  expireToken,
  renewToken,
} from '../../src/metadata/controller/delegation-tokens.ts'
import { isTokenOf, tokensOf } from '../../src/metadata/delegation-tokens.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import type { MetadataController } from '../../src/metadata/metadata.ts'
import { ownsHmac, tokenHmac } from '../../src/security/delegation-tokens.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { SteppedClock } from '../coordinator/group/stepped-clock.ts'
import { openController } from './open-controller.ts'

const secret = { 'delegation.token.secret.key': 'a secret' }
const alice = { type: 'User', name: 'alice' }
const asked = (maxLifetimeMs = -1) =>
  createToken({ owner: alice, requester: alice, renewers: [], maxLifetimeMs, hmacOf: tokenHmac })

async function created(metadata: MetadataController, maxLifetimeMs?: number) {
  const one = await metadata.submit(asked(maxLifetimeMs))
  expect(one.token).not.toBeNull()
  return one as Extract<CreatedToken, { error: 'NONE' }>
}

test('expired tokens are swept at an interval, and stay so after a restart', async () => {
  const clock = new SteppedClock()
  const disk = new MemoryDisk(clock.nowMs)
  const own = { ...secret, 'delegation.token.expiry.check.interval.ms': '10000' }
  const { metadata, close } = await openController(disk, clock, own)
  const short = await created(metadata, 5_000)
  const long = await created(metadata)
  const ids = () => [...metadata.image.delegationTokens.keys()].toSorted()
  const both = [short.token.tokenId, long.token.tokenId].toSorted()
  await clock.advance(9_999)
  expect(ids()).toEqual(both)
  await clock.advance(1)
  expect(ids()).toEqual([long.token.tokenId])
  await close()
  const again = await openController(disk, clock, own)
  expect([...again.metadata.image.delegationTokens.values()]).toEqual([long.token])
  await again.close()
})

test('one of many tokens is found by its HMAC', async () => {
  const clock = new SteppedClock()
  const disk = new MemoryDisk(clock.nowMs)
  const { metadata, close } = await openController(disk, clock, secret)
  const all = []
  for (let i = 0; i < 300; i++) all.push(await created(metadata))
  const change = (hmac: Buffer) => ({ principal: alice, isOf: ownsHmac(hmac) })
  for (const { hmac, token } of all.filter((_, i) => i % 50 === 0)) {
    const removal = { ...change(hmac), expiryTimePeriodMs: -1 }
    expect((await metadata.submit(expireToken(removal))).error).toBe('NONE')
    expect(metadata.image.delegationTokens.has(token.tokenId)).toBe(false)
    const renewal = { ...change(hmac), renewPeriodMs: -1 }
    const { error } = await metadata.submit(renewToken(renewal))
    expect(error).toBe('DELEGATION_TOKEN_NOT_FOUND')
  }
  expect(metadata.image.delegationTokens.size).toBe(294)
  await close()
})

// As an Apache Kafka 4.4.0 answers that was formatted with `--release-version 3.5`.
test.each([
  [11, 'UNSUPPORTED_VERSION'],
  [13, 'UNSUPPORTED_VERSION'],
  [14, 'NONE'],
] as const)('metadata.version %i: %s', (level, error) => {
  const view = {
    image: { ...emptyImage, features: new Map([['metadata.version', level]]) },
    settings: new BrokerSettings(new Map(Object.entries(secret))),
    ...{ random: systemRandom, nowMs: 0, nextOffset: 0 },
  }
  const decision = asked()(view)
  expect('answer' in decision ? decision.answer.error : undefined).toBe(error)
})

test('tokens of many principals are found as those of each', () => {
  const token = {
    ...{ owner: 'User:alice', requester: 'User:b:c', renewers: ['User:dora'], tokenId: 'x' },
    ...{ issueTimestamp: 0, maxTimestamp: 0, expirationTimestamp: 0 },
  }
  const types = ['User', 'User:b', 'Group', '']
  const names = ['alice', 'b:c', 'c', 'dora', '']
  const principals = types.flatMap((type) => names.map((name) => ({ type, name })))
  const found = principals.filter((one) => isTokenOf(token, one))
  expect(found.map(({ type, name }) => `${type}/${name}`)).toEqual([
    ...['User/alice', 'User/b:c', 'User/dora'],
  ])
  for (const one of principals) expect(tokensOf([one])(token)).toBe(isTokenOf(token, one))
  expect(tokensOf(principals)(token)).toBe(true)
})
