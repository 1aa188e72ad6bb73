import { expect } from 'vitest'
import { passwords } from './secured.ts'
import { type Token, type TokenSide, user } from './token-side.ts'
import { expiryLimitMs, lifetimeLimitMs } from './token-users.ts'

/** Requests about tokens, in order, to one broker. */
export interface Script {
  readonly title: string
  run(side: TokenSide): Promise<void>
}

const longMax = 2 ** 63
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

const creates: readonly Script[] = [1, 2, 3].map((version) => ({
  title: `CreateDelegationToken v${version}`,
  run: async (side) => {
    const bodies = [
      {},
      { renewers: [user('bob')] },
      { renewers: [user('bob'), user('bob'), user('a:b'), user('')] },
      { renewers: [user('bob'), user('bob', 'Group')] },
      { renewers: [user('bob', 'user')] },
      { maxLifetimeMs: 0 },
      { maxLifetimeMs: 10 * minuteMs },
      { maxLifetimeMs: expiryLimitMs + 1 },
      { maxLifetimeMs: lifetimeLimitMs + 1 },
      { maxLifetimeMs: longMax },
      { maxLifetimeMs: -longMax },
    ]
    for (const body of bodies) await side.create(await side.as('alice'), version, body)
    for (const name of ['admin', 'carol']) await side.create(await side.as(name), version)
    for (const body of bodies.slice(0, 4)) await side.create(side.open(), version, body)
  },
}))

const makers = ['alice', 'carol', 'maker', 'maker-by-prefix', 'maker-of-all', 'denied-maker']

const onBehalf: Script = {
  title: 'tokens for others',
  run: async (side) => {
    const owner = (name: string | null, type: string | null = 'User') => ({
      ...{ ownerPrincipalType: type, ownerPrincipalName: name },
    })
    for (const name of ['admin', ...makers]) {
      const line = await side.as(name)
      for (const other of ['alice', 'al', 'bob', '', null]) {
        await side.create(line, 3, owner(other))
      }
      await side.create(line, 3, { ...owner('alice'), renewers: [user('bob', 'Group')] })
    }
    const admin = await side.as('admin')
    await side.create(admin, 3, owner('admin'))
    await side.create(admin, 3, owner('admin', 'Group'))
    await side.create(admin, 3, owner('admin', ''))
    await side.create(admin, 3, owner('a:b', 'Group'))
    await side.create(admin, 3, owner('alice', null))
    await side.create(admin, 3, owner('', null))
    await side.create(side.open(), 3, owner('alice'))
  },
}

const periods = [-1, 0, minuteMs, expiryLimitMs + minuteMs, 2 * dayMs, longMax]

/** A token of alice, made by `maker`, with the renewer bob. */
const tokenOfThree = async (side: TokenSide, body: object = {}): Promise<Token> =>
  side.created('maker', {
    ...{ ownerPrincipalType: 'User', ownerPrincipalName: 'alice', renewers: [user('bob')] },
    ...body,
  })
const three = ['alice', 'bob', 'maker', 'admin', 'carol']

const unknownHmacs = [Buffer.alloc(0), Buffer.alloc(64, 7), Buffer.alloc(63, 7), Buffer.from('x')]

const renewals: readonly Script[] = [1, 2].map((version) => ({
  title: `RenewDelegationToken v${version}`,
  run: async (side) => {
    const token = await tokenOfThree(side, { maxLifetimeMs: 12 * 60 * minuteMs })
    for (const name of three) {
      for (const period of periods) await side.renew(await side.as(name), version, token, period)
    }
    const short = await tokenOfThree(side, { maxLifetimeMs: 10 * minuteMs })
    for (const period of periods) await side.renew(await side.as('bob'), version, short, period)
    await side.describe(await side.as('alice'), 3, null)
    for (const hmac of unknownHmacs) await side.renew(await side.as('alice'), version, hmac, -1)
    await side.renew(side.open(), version, token, -1)
    const over = await tokenOfThree(side, { maxLifetimeMs: 1 })
    await side.expired(over)
    for (const name of three) await side.renew(await side.as(name), version, over, minuteMs)
    await side.renew(side.open(), version, over, -1)
  },
}))

const expiries: readonly Script[] = [1, 2].map((version) => ({
  title: `ExpireDelegationToken v${version}`,
  run: async (side) => {
    const token = await tokenOfThree(side)
    for (const name of three) {
      for (const period of [minuteMs, 2 * dayMs, longMax]) {
        await side.expire(await side.as(name), version, token, period)
      }
    }
    for (const name of ['maker', 'admin', 'carol']) {
      await side.expire(await side.as(name), version, token, 0)
      await side.expire(await side.as(name), version, token, -1)
    }
    await side.expire(side.open(), version, token, -1)
    const line = await side.as('alice')
    for (const hmac of unknownHmacs) await side.expire(line, version, hmac, -1)
    await side.expire(line, version, token, 0)
    await side.expired(token)
    for (const name of three) await side.expire(await side.as(name), version, token, minuteMs)
    await side.renew(line, 2, token, minuteMs)
    await side.expire(await side.as('carol'), version, token, -1)
    await side.describe(line, 3, null)
    await side.expire(line, version, token, -longMax)
    await side.expire(line, version, token, -1)
    await side.renew(line, 2, token, -1)
    await side.describe(line, 3, null)
    const another = await tokenOfThree(side)
    await side.expire(await side.as('bob'), version, another, -1)
    await side.describe(line, 3, null)
  },
}))

const descriptions: readonly Script[] = [1, 2, 3].map((version) => ({
  title: `DescribeDelegationToken v${version}`,
  run: async (side) => {
    await tokenOfThree(side)
    await side.created('bob')
    await side.created('admin', { renewers: [user('carol'), user('a:b')] })
    const late = await side.created('alice')
    const over = await side.created('alice', { maxLifetimeMs: 1 })
    await side.expired(over)
    const before = await side.as('late')
    await side.describe(before, version, null)
    const resourceType = 'DELEGATION_TOKEN'
    const rule = { resourceType, resourceName: late.id, operation: 'DESCRIBE' } as const
    await side.allow([{ principal: 'User:late', ...rule }])
    const owners = [
      ...[null, [], [user('alice')], [user('bob')], [user('maker')], [user('a:b')]],
      ...[[user('nobody')], [user('alice', 'Group')], [user('')], [user('bob'), user('carol')]],
      [user('alice'), user('alice')],
    ]
    const names = ['seer', 'reader', 'reader-of-all', 'maker-of-all', 'late']
    for (const name of [...three, ...names]) {
      for (const one of owners) await side.describe(await side.as(name), version, one)
    }
    for (const one of owners.slice(0, 3)) await side.describe(side.open(), version, one)
  },
}))

const sessions: readonly Script[] = (['sha256', 'sha512'] as const).map((hash) => ({
  title: `a session by a token, ${hash}`,
  run: async (side) => {
    const token = await tokenOfThree(side, { maxLifetimeMs: 10 * minuteMs })
    const { line, outcome, lifetimeMs } = await side.scram(side.withToken(token, { hash }))
    side.note(outcome)
    expect(lifetimeMs).toBeGreaterThan(8 * minuteMs)
    expect(lifetimeMs).toBeLessThanOrEqual(10 * minuteMs)
    await side.topics(line)
    for (const version of [1, 2, 3]) {
      await side.create(line, version, { renewers: [user('bob', 'Group')] })
      await side.create(line, version, { ownerPrincipalType: 'User', ownerPrincipalName: 'bob' })
      for (const owners of [null, [], [user('alice')]]) await side.describe(line, version, owners)
    }
    for (const version of [1, 2]) {
      for (const of of [token, Buffer.alloc(64)]) {
        await side.renew(line, version, of, -1)
        await side.expire(line, version, of, -1)
      }
    }
    // Its owner by password may, and the session goes on without the token.
    await side.expire(await side.as('alice'), 2, token, -1)
    await side.topics(line)
    side.note((await side.scram(side.withToken(token, { hash }))).outcome)
    line.close()
  },
}))

const logins: Script = {
  title: 'logins',
  run: async (side) => {
    const token = await tokenOfThree(side)
    const another = await side.created('bob')
    const hmac = token.hmac.toString('base64')
    const group = await side.created('admin', {
      ...{ ownerPrincipalType: 'Group', ownerPrincipalName: 'alice' },
    })
    const all = [
      side.withToken(token),
      side.withToken(token, { extensions: ',tokenauth=TRUE' }),
      side.withToken(token, { extensions: ',tokenauth=yes' }),
      side.withToken(token, { extensions: ',tokenauth=false' }),
      side.withToken(token, { extensions: '' }),
      side.withToken(token, { extensions: ',tokenAuth=true' }),
      side.withToken(token, { password: 'wrong' }),
      side.withToken(token, { password: hmac.toLowerCase() }),
      side.withToken(token, { password: another.hmac.toString('base64') }),
      side.withToken(token, { name: another.id }),
      side.withToken(token, { name: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      side.withToken(token, { name: 'alice' }),
      side.withToken(token, { name: 'alice', password: passwords.alice }),
      side.withToken(another),
      side.withToken(group),
    ]
    for (const login of all) {
      const { line, outcome } = await side.scram(login)
      side.note(`${login.extensions}: ${outcome}`)
      await side.topics(line)
      line.close()
    }
  },
}

const expiredLogin: Script = {
  title: 'a login with an expired token',
  run: async (side) => {
    const token = await tokenOfThree(side, { maxLifetimeMs: 1 })
    await side.expired(token)
    const { line, outcome, lifetimeMs } = await side.scram(side.withToken(token))
    side.note(`${outcome} for ${lifetimeMs} ms`)
    await side.topics(line)
    line.close()
  },
}

const endOfSession: Script = {
  title: 'a session ends with its token, and may be renewed',
  run: async (side) => {
    const token = await tokenOfThree(side, { maxLifetimeMs: 2_000 })
    const { line, outcome, lifetimeMs } = await side.scram(side.withToken(token))
    const again = await side.scram(side.withToken(token))
    side.note(`${outcome}, ${again.outcome}`)
    expect(lifetimeMs).toBeLessThanOrEqual(2_000)
    await side.expired(token)
    await side.topics(line)
    // The session has expired, but a handshake is heard.
    const renewed = await side.scram(side.withToken(token), again.line)
    side.note(renewed.outcome)
    await side.topics(again.line)
    line.close()
    again.line.close()
  },
}

const otherCredential: Script = {
  title: 're-authentication by a token instead of a password, and back',
  run: async (side) => {
    const token = await tokenOfThree(side)
    const ofBob = await side.created('bob')
    const password = { name: 'alice', password: passwords.alice }
    const on = { listener: 'short' } as const
    for (const [first, second] of [
      [password, side.withToken(token)],
      [side.withToken(token), password],
      [password, side.withToken(ofBob)],
    ] as const) {
      const { line, outcome, lifetimeMs } = await side.scram({ ...first, ...on })
      side.note(`${outcome} for ${lifetimeMs} ms`)
      await side.describe(line, 3, null)
      side.note((await side.scram({ ...second, ...on }, line)).outcome)
      await side.describe(line, 3, null)
      line.close()
    }
  },
}

export const tokenScripts: readonly Script[] = [
  ...creates,
  onBehalf,
  ...renewals,
  ...expiries,
  ...descriptions,
  ...sessions,
  logins,
  expiredLogin,
  endOfSession,
  otherCredential,
]
