import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/base/random.ts'
import type { SaslClient } from '../../src/security/sasl/client.ts'
import { OauthBearerServer } from '../../src/security/sasl/oauthbearer.ts'
import { OauthBearerClient } from '../../src/security/sasl/oauthbearer-client.ts'
import { PlainServer } from '../../src/security/sasl/plain.ts'
import { PlainClient } from '../../src/security/sasl/plain-client.ts'
import { ScramServer } from '../../src/security/sasl/scram.ts'
import { ScramClient } from '../../src/security/sasl/scram-client.ts'
import type { Login, SaslServer } from '../../src/security/sasl/server.ts'
import { tokenFile } from '../../src/security/sasl/token-file.ts'
import { unsecuredLogin } from '../../src/security/sasl/unsecured-login.ts'
import { unsecuredTokens } from '../../src/security/sasl/unsecured-tokens.ts'
import { saltPassword, scramKeys } from '../../src/security/scram.ts'

/** Lets both sides speak until each is satisfied. @returns who has logged in. */
async function converse(client: SaslClient, server: SaslServer): Promise<Login | null> {
  let challenge: Buffer = Buffer.alloc(0)
  let login: Login | null = null
  for (;;) {
    const message = await client.answer(challenge)
    if (message === null) return login
    const answer = await server.evaluate(message)
    challenge = answer.bytes
    login = answer.login
  }
}

describe('PLAIN', () => {
  const server = () => new PlainServer((user) => (user === 'bröker' ? 'pässword' : undefined))

  test('logs in', async () => {
    const login = await converse(new PlainClient('bröker', 'pässword'), server())
    expect(login).toMatchObject({ name: 'bröker' })
  })

  test('a wrong password is refused', async () => {
    const refused = converse(new PlainClient('bröker', 'password'), server())
    await expect(refused).rejects.toThrow('Authentication failed: Invalid username or password')
  })
})

describe.each([
  ['SCRAM-SHA-256', 1, 'sha256'],
  ['SCRAM-SHA-512', 2, 'sha512'],
] as const)('%s', (_, mechanism, hash) => {
  const salt = Buffer.from('some salt')
  const password = 'pä,=ﬁ'
  const user = 'broker=a,b'
  const client = (o: { password?: string; isToken?: boolean } = {}) =>
    new ScramClient({
      ...{ mechanism, user, password, isToken: false, random: systemRandom, ...o },
    })
  const credentialWith = (iterations: number) => ({
    ...{ salt, iterations },
    ...scramKeys(mechanism, saltPassword(mechanism, password, salt, iterations)),
  })
  const server = (iterations = 4096) =>
    new ScramServer({
      hash,
      random: systemRandom,
      credentialOf: (name) => (name === user ? credentialWith(iterations) : undefined),
      tokenOf: (id) =>
        id === user
          ? { owner: 'the owner', expiresAtMs: 5, credential: credentialWith(iterations) }
          : undefined,
    })

  test('logs in', async () => {
    expect(await converse(client(), server())).toMatchObject({ name: user, isByToken: false })
    expect(await converse(client(), server(16_384))).toMatchObject({ name: user })
  })

  test('logs in by a delegation token', async () => {
    const login = await converse(client({ isToken: true }), server())
    expect(login).toMatchObject({ name: 'the owner', isByToken: true })
  })

  test('a wrong password is refused', async () => {
    const refused = converse(client({ password: 'pä,=fi' }), server())
    await expect(refused).rejects.toThrow('Invalid client credentials')
  })

  test.each([
    ['a nonce of its own', (first: string) => first.replace(/^r=./, 'r='), 'Invalid server nonce'],
    ['few iterations', (first: string) => first.replace('i=4096', 'i=4095'), 'iterations 4095'],
    ['many iterations', (first: string) => first.replace('i=4096', 'i=999999999'), '999999999'],
    ['more than a number', (first: string) => first.replace('i=4096', 'i=1e9'), 'first message'],
    ['no salt', (first: string) => first.replace(/,s=[^,]*/, ''), 'first message format'],
    ['nothing', () => '', 'first message format'],
  ])('a server whose first message has %s is not believed', async (_name, change, reason) => {
    const [one, other] = [client(), server()]
    const first = other.evaluate((await one.answer(Buffer.alloc(0)))!).bytes.toString()
    await expect((async () => one.answer(Buffer.from(change(first))))()).rejects.toThrow(reason)
  })

  test.each([
    ['v=', 'server signature'],
    [`v=${Buffer.alloc(32).toString('base64')}`, 'server signature'],
    ['e=unknown-user', 'unknown-user'],
    ['', 'final message format'],
    ['x=y', 'final message format'],
  ])('a server that ends with "%s" is not believed', async (end, reason) => {
    const [one, other] = [client(), server()]
    const first = other.evaluate((await one.answer(Buffer.alloc(0)))!).bytes
    await one.answer(first)
    await expect((async () => one.answer(Buffer.from(end)))()).rejects.toThrow(reason)
    await expect((async () => one.answer(Buffer.from(end)))()).rejects.toThrow('after the last')
  })
})

describe('OAUTHBEARER', () => {
  const nowMs = () => 1_700_000_000_500
  const options = (o: Record<string, string>) =>
    new Map(Object.entries(o).map(([key, value]) => [`unsecuredLogin${key}`, value]))
  const claimsOf = async (o: Record<string, string>) => {
    const { token } = await unsecuredLogin({ options: options(o), nowMs })()
    const [header, claims, signature] = token.split('.').map((part) => Buffer.from(part, 'base64'))
    expect([String(header), String(signature)]).toEqual(['{"alg":"none"}', ''])
    return JSON.parse(String(claims))
  }
  const server = (needed: Record<string, string> = {}) =>
    new OauthBearerServer(unsecuredTokens({ options: new Map(Object.entries(needed)), nowMs }))

  test('logs in with a token of its own', async () => {
    const source = unsecuredLogin({
      options: options({ StringClaim_sub: 'broker', Extension_traceId: '12 3' }),
      nowMs,
    })
    const login = await converse(new OauthBearerClient(source), server())
    expect(login).toEqual({ name: 'broker', isByToken: false, expiresAtMs: nowMs() + 3_600_000 })
  })

  test('acknowledges a refusal, and gets its reason', async () => {
    const source = unsecuredLogin({ options: options({ StringClaim_sub: 'broker' }), nowMs })
    const refused = converse(
      new OauthBearerClient(source),
      server({ unsecuredValidatorRequiredScope: 'all' }),
    )
    await expect(refused).rejects.toThrow('{"status":"insufficient_scope", "scope":"[all]"}')
  })

  test('a server that goes on after its refusal is left', async () => {
    const client = new OauthBearerClient(() => ({ token: 't', extensions: new Map() }))
    await client.answer(Buffer.alloc(0))
    expect(await client.answer(Buffer.from('{}'))).toEqual(Buffer.from([1]))
    await expect(client.answer(Buffer.from('{}'))).rejects.toThrow('after its refusal')
  })

  test('the claims are those of the options', async () => {
    expect(
      await claimsOf({
        StringClaim_who: 'broker "1"',
        PrincipalClaimName: ' who ',
        NumberClaim_n: '1e3',
        ListClaim_scope: '|a|b c',
        LifetimeSeconds: '60',
      }),
    ).toEqual({
      who: 'broker "1"',
      n: 1000,
      scope: ['a', 'b c'],
      iat: 1_700_000_000.5,
      exp: 1_700_000_060.5,
    })
  })

  test.each([
    ['', []],
    [',', []],
    [',a', ['a']],
    ['.a.b', ['a', 'b']],
    ['|a||b', ['a', '', 'b', '']],
    ['||a', ['', 'a', '']],
    ['|a|', ['a', '']],
  ])('the list "%s" is %j', async (text, expected) => {
    const { l } = await claimsOf({ StringClaim_sub: 'x', ListClaim_l: text })
    expect(l).toEqual(expected)
  })

  test.each([
    [{}, 'unsecuredLoginStringClaim_sub must name the principal'],
    [{ StringClaim_sub: ' ' }, 'unsecuredLoginStringClaim_sub must name the principal'],
    [{ NumberClaim_sub: '5' }, 'unsecuredLoginStringClaim_sub must name the principal'],
    [{ StringClaim_sub: 'x', StringClaim_exp: '5' }, "Cannot explicitly set the 'exp' claim"],
    [{ StringClaim_sub: 'x', NumberClaim_n: 'five' }, 'not a number in a claim: five'],
    [{ StringClaim_sub: 'x', LifetimeSeconds: '1.5' }, 'unsecuredLoginLifetimeSeconds'],
    [{ StringClaim_sub: 'x', Extension_auth: 'x' }, 'Extension name auth is invalid'],
    [{ StringClaim_sub: 'x', Extension_a1: 'x' }, 'Extension name a1 is invalid'],
    [{ StringClaim_sub: 'x', Extension_a: '' }, 'Extension value () for extension a is invalid'],
  ])('the options %j are refused', (o, reason) => {
    expect(() => unsecuredLogin({ options: options(o), nowMs })).toThrow(reason)
  })

  test('a token of a file is read for each login', async () => {
    let text = 'abc\n'
    const source = tokenFile({ read: () => text, extensions: new Map() })
    text = 'def.ghi==\n'
    expect(await source()).toMatchObject({ token: 'def.ghi==' })
    text = ''
    expect(source).toThrow('the file has no token')
  })

  test.each(['', 'two words', 'a\x01auth=Bearer b'])('a file with "%s" has no token', (text) => {
    expect(() => tokenFile({ read: () => text, extensions: new Map() })).toThrow('no token')
  })
})
