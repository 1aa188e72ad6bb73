import { beforeEach, describe, expect, test } from 'vitest'
import { emptyImage } from '../../../src/metadata/image.ts'
import { MutationQuota, RateQuota } from '../../../src/security/quota/client-quota.ts'
import { QuotaTable } from '../../../src/security/quota/quota-table.ts'
import { imageWith, type QuotaEntity, withQuota } from './quota-image.ts'

const window = { samples: 11, sampleMs: 1_000 }
let nowMs = 0
const clock = { monotonicMs: () => nowMs }
beforeEach(() => {
  nowMs = 0
})

const key = 'producer_byte_rate'

describe('whose quota applies', () => {
  /** In descending precedence. */
  const entities: readonly QuotaEntity[] = [
    { user: 'u', 'client-id': 'c' },
    { user: 'u', 'client-id': null },
    { user: 'u' },
    { user: null, 'client-id': 'c' },
    { user: null, 'client-id': null },
    { user: null },
    { 'client-id': 'c' },
    { 'client-id': null },
  ]
  const tableOf = (chosen: readonly QuotaEntity[]) =>
    new QuotaTable(
      imageWith(
        key,
        ...chosen.map((one): [QuotaEntity, number] => [one, entities.indexOf(one) + 1]),
      ),
      key,
    )
  const limit = (table: QuotaTable, user: string, clientId: string) =>
    table.limitOf(table.subjectOf(user, clientId))

  test('the most specific of all that are set', () => {
    for (let bits = 0; bits < 256; bits++) {
      const chosen = entities.filter((_, i) => (bits & (1 << i)) !== 0)
      const expected = chosen.length === 0 ? null : entities.indexOf(chosen[0]!) + 1
      expect(limit(tableOf(chosen), 'u', 'c')).toBe(expected)
    }
  })

  test('a default is one of those who have none of their own', () => {
    const table = tableOf(entities)
    expect(limit(table, 'u', 'other')).toBe(2)
    expect(limit(table, 'other', 'c')).toBe(4)
    expect(limit(table, 'other', 'other')).toBe(5)
  })

  test('without a client id only the quotas of users apply', () => {
    expect(limit(tableOf(entities), 'other', '')).toBe(6)
    expect(limit(tableOf([entities[7]!]), 'u', '')).toBeNull()
    expect(limit(tableOf([entities[4]!]), 'u', '')).toBeNull()
    expect(limit(tableOf([entities[1]!, entities[2]!]), 'u', '')).toBe(3)
  })

  test('names that look like defaults are names', () => {
    const table = new QuotaTable(imageWith(key, [{ user: '<default>' }, 1]), key)
    expect(limit(table, '<default>', 'c')).toBe(1)
    expect(limit(table, 'u', 'c')).toBeNull()
  })

  test('a removed one has no part in it', () => {
    const both = imageWith(key, [{ user: 'u' }, 1], [{ 'client-id': 'c' }, 2])
    const table = new QuotaTable(withQuota(both, { user: 'u' }, key, null), key)
    expect(table.subjectOf('u', 'c')).toEqual({ user: '', clientId: 'c' })
    expect(limit(table, 'u', 'c')).toBe(2)
    const none = withQuota(imageWith(key, [{ user: 'u' }, 1]), { user: 'u' }, key, null)
    expect(new QuotaTable(none, key).isEmpty).toBe(true)
  })

  test('other quotas, and those of addresses, are none of its own', () => {
    const image = withQuota(imageWith(key, [{ ip: null }, 1]), { user: 'u' }, 'other', 1)
    const table = new QuotaTable(image, key)
    expect(table.isEmpty).toBe(true)
  })
})

describe('a quota of a rate', () => {
  const client = { user: 'u', clientId: 'c' }
  const userQuota = (value: number) => imageWith(key, [{ user: 'u' }, value])

  test('a change acts at once, on what was recorded before', () => {
    const quota = new RateQuota({ name: key, window, clock })
    quota.follow(userQuota(10_000))
    expect(quota.record(client, 20_000)).toBe(0)
    quota.follow(userQuota(1_000))
    expect(quota.record(client, 0)).toBe(10_000)
    quota.follow(emptyImage)
    expect(quota.isSet).toBe(false)
    expect(quota.record(client, 1e9)).toBe(0)
  })

  test('the clients of a user share it, those of another one do not', () => {
    const quota = new RateQuota({ name: key, window, clock })
    quota.follow(userQuota(1_000))
    expect(quota.record(client, 10_000)).toBe(0)
    expect(quota.record({ user: 'u', clientId: 'other' }, 1_000)).toBe(1_000)
    expect(quota.record({ user: 'other', clientId: 'c' }, 1e9)).toBe(0)
  })

  test('a throttle has a maximum', () => {
    const capped = new RateQuota({ name: key, window, clock, throttleMsMax: 1_000 })
    capped.follow(userQuota(1))
    expect(capped.record(client, 1e6)).toBe(1_000)
    const quota = new RateQuota({ name: key, window, clock })
    quota.follow(userQuota(1))
    expect(quota.record(client, 1e12)).toBe(2 ** 31 - 1)
  })

  test('the most at once is what a window without other use allows', () => {
    const quota = new RateQuota({ name: key, window, clock })
    quota.follow(userQuota(1_000))
    const most = quota.mostAtOnce(client)
    expect(most).toBe(10_000)
    expect(quota.record(client, most)).toBe(0)
    quota.takeBack(client, most)
    expect(quota.record(client, most + 1)).toBeGreaterThan(0)
    expect(quota.mostAtOnce({ user: 'other', clientId: 'c' })).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the quota of controller mutations', () => {
  const client = { user: 'u', clientId: 'c' }
  function quota(): MutationQuota {
    const one = new MutationQuota({ window, clock })
    one.follow(imageWith('controller_mutation_rate', [{ 'client-id': 'c' }, 1]))
    return one
  }

  test('a strict request is refused once the permits are overdrawn', () => {
    const limited = quota()
    const use = limited.begin(client, true)!
    expect([use.take(6), use.take(30), use.take(1)]).toEqual([true, true, false])
    expect(use.throttleMs()).toBe(25_000)
    nowMs = 5_000
    expect(use.throttleMs()).toBe(20_000)
    const later = limited.begin(client, true)!
    expect(later.take(1)).toBe(false)
    expect(later.throttleMs()).toBe(20_000)
    nowMs = 25_000
    expect(limited.begin(client, true)!.take(1)).toBe(true)
  })

  test('another one has all it wants, and is throttled', () => {
    const use = quota().begin(client, false)!
    expect([use.take(6), use.take(30), use.take(1)]).toEqual([true, true, true])
    expect(use.throttleMs()).toBe(26_000)
  })

  test('who has no quota is neither refused nor throttled', () => {
    const use = quota().begin({ user: 'u', clientId: 'other' }, true)!
    expect([use.take(1e6), use.take(1e6)]).toEqual([true, true])
    expect(use.throttleMs()).toBe(0)
    const none = new MutationQuota({ window, clock })
    expect(none.begin(client, true)).toBeNull()
  })
})
