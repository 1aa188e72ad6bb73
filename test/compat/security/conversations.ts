import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { listGroups } from '../../../src/protocol/messages/16-list-groups.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { apiVersions } from '../../../src/protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import {
  plain,
  plainScram,
  type SaslClient,
  type ScramChanges,
  ScramDialogue,
} from './sasl-client.ts'
import { passwords } from './secured.ts'

/** Requests and tokens of a client, in order, to a listener with SASL. */
export interface Conversation {
  readonly title: string
  readonly listener: 'sasl' | 'short'
  speak(client: SaslClient): Promise<void>
}

type Speak = Conversation['speak']
type TokenVersion = 0 | 1 | 2 | 'raw'

const all: Conversation[] = []
const add = (title: string, speak: Speak, listener: Conversation['listener'] = 'sasl') =>
  all.push({ title, listener, speak })

const plainToken = (user: string, password: string, authorizationId = '') =>
  Buffer.from(`${authorizationId}\0${user}\0${password}`)
const good = plainToken('alice', passwords.alice)

/** Whether the client is served now. */
const isServed: Speak = async (client) => {
  await client.ask(apiVersions, 0, {}, ({ errorCode }) => `error ${errorCode}`)
}
const groupsOf: Speak = async (client) => {
  await client.ask(listGroups, 0, {})
}

async function logIn(client: SaslClient, token: Buffer = good, version: TokenVersion = 2) {
  await client.handshake('PLAIN', version === 'raw' ? 0 : 1)
  await client.sendToken(token, version)
}

async function scram(
  client: SaslClient,
  mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512',
  o: { user?: string; password?: string; version?: TokenVersion; changes?: ScramChanges } = {},
) {
  const { user = 'alice', password = passwords.alice, version = 2 } = o
  const hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const dialogue = new ScramDialogue(hash, user, password, o.changes)
  await client.handshake(mechanism, version === 'raw' ? 0 : 1)
  await client.sendToken(dialogue.first, version, plainScram)
  const serverFirst = client.token.toString()
  await client.sendToken(dialogue.final(serverFirst), version, plainScram)
}

const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64')
const nowSeconds = () => Math.floor(Date.now() / 1000)
const bearer = (token: string, o: { gs2?: string; scheme?: string; more?: string } = {}) =>
  Buffer.from(`${o.gs2 ?? 'n,,'}\x01auth=${o.scheme ?? 'Bearer'} ${token}\x01${o.more ?? ''}\x01`)
const unsigned = (claims: object, header: object = { alg: 'none' }) =>
  `${json(header)}.${json(claims)}.`.replaceAll('=', '')
const claims = (more: object = {}) => ({
  ...{ sub: 'alice', iat: nowSeconds() - 10, exp: nowSeconds() + 3_600 },
  ...more,
})

/** The rest of a token's life differs between two askings. */
const plainLifetime: typeof plain = (body) =>
  plain(body).replace(/"sessionLifetimeMs":[1-9]\d*/, '"sessionLifetimeMs":some')

async function oauth(client: SaslClient, token: Buffer, version: TokenVersion = 2) {
  await client.handshake('OAUTHBEARER', version === 'raw' ? 0 : 1)
  await client.sendToken(token, version, plainLifetime)
}

for (const version of [0, 1, 2, 'raw'] as const) {
  add(`PLAIN, token ${version}`, async (client) => {
    await logIn(client, good, version)
    await groupsOf(client)
  })
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    add(`${mechanism}, token ${version}`, async (client) => {
      await scram(client, mechanism, { version })
      await groupsOf(client)
    })
    add(`${mechanism}, wrong password, token ${version}`, async (client) => {
      await scram(client, mechanism, { version, password: 'wrong' })
      await isServed(client)
    })
  }
  add(`OAUTHBEARER, token ${version}`, async (client) => {
    await oauth(client, bearer(unsigned(claims())), version)
    await groupsOf(client)
  })
  add(`OAUTHBEARER, expired, token ${version}`, async (client) => {
    await oauth(client, bearer(unsigned(claims({ exp: nowSeconds() - 5 }))), version)
    await client.sendToken(Buffer.from([1]), version)
    await isServed(client)
  })
}

const plainTokens: Readonly<Record<string, Buffer>> = {
  'wrong password': plainToken('alice', 'wrong'),
  'unknown user': plainToken('mallory', 'x'),
  'empty user': plainToken('', 'x'),
  'empty password': plainToken('alice', ''),
  'both empty': plainToken('', ''),
  'own authorization id': plainToken('alice', passwords.alice, 'alice'),
  'another authorization id': plainToken('alice', passwords.alice, 'admin'),
  'two tokens': Buffer.from(`alice\0${passwords.alice}`),
  'four tokens': Buffer.from(`\0alice\0${passwords.alice}\0`),
  'seven tokens': Buffer.from('\0\0\0\0\0\0'),
  'one token': Buffer.from('alice'),
  nothing: Buffer.alloc(0),
  'bytes that are not UTF-8': Buffer.from([0, 0xff, 0xfe, 0, 0x80]),
  'a long password': plainToken('alice', 'x'.repeat(100_000)),
  'another case of the user': plainToken('ALICE', passwords.alice),
  'a space behind the password': plainToken('alice', `${passwords.alice} `),
}
for (const [title, token] of Object.entries(plainTokens)) {
  for (const version of [0, 2, 'raw'] as const) {
    add(`PLAIN, ${title}, token ${version}`, async (client) => {
      await logIn(client, token, version)
      await groupsOf(client)
    })
  }
}

const scramChanges: Readonly<Record<string, ScramChanges & { user?: string; password?: string }>> =
  {
    'unknown user': { user: 'mallory' },
    'own authorization id': { gs2: 'n,a=alice,' },
    'another authorization id': { gs2: 'n,a=admin,' },
    'channel binding supported': { gs2: 'y,,' },
    'channel binding wanted': { gs2: 'p=tls-unique,,' },
    'no header': { gs2: '' },
    'a reserved extension': { first: 'm=x,n=alice,r=abc' },
    'an unknown extension': { extensions: ',x=y' },
    // Not two: Kafka signs them in an order that differs from start to start.
    'an extension without a value': { extensions: ',x=' },
    'token authentication': { extensions: ',tokenauth=true' },
    'token authentication, not': { extensions: ',tokenauth=false' },
    'no nonce': { first: 'n=alice' },
    'empty nonce': { first: 'n=alice,r=' },
    'a nonce with a space': { first: 'n=alice,r=a b' },
    'escaped user': { user: 'al=2Cice' },
    'badly escaped user': { user: 'al=2Xice' },
    'empty user': { user: '' },
    'user of other letters': { user: 'älice' },
    'nonce cut in the final message': { nonce: (nonce) => nonce.slice(0, -1) },
    'nonce longer in the final message': { nonce: (nonce) => `x${nonce}` },
    'only the client nonce in the final message': { nonce: () => 'abc' },
    'only the server nonce in the final message': { nonce: (nonce) => nonce.slice(3) },
    'another channel binding': { channel: Buffer.from('y,,').toString('base64') },
    'no channel binding': { channel: '' },
    'a proof of zeros': {
      proof: (proof) => Buffer.alloc(Buffer.from(proof, 'base64').length).toString('base64'),
    },
    'a long proof': { proof: () => Buffer.alloc(100, 1).toString('base64') },
    'a short proof': { proof: () => Buffer.alloc(10, 1).toString('base64') },
    'an empty proof': { proof: () => '' },
    'a proof that is not base64': { proof: () => '!!!!' },
    'a proof without padding': { proof: (proof) => proof.replace(/=+$/, '') },
  }
for (const [title, { user, password, ...changes }] of Object.entries(scramChanges)) {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    add(`${mechanism}, ${title}`, async (client) => {
      await scram(client, mechanism, {
        changes,
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password }),
      })
      await groupsOf(client)
    })
  }
}

const bearerTokens: Readonly<Record<string, () => Buffer>> = {
  'issued in the future': () => bearer(unsigned(claims({ iat: nowSeconds() + 1_000 }))),
  'expires before it was issued': () => bearer(unsigned(claims({ iat: nowSeconds() + 4_000 }))),
  'without a subject': () => bearer(unsigned(claims({ sub: undefined }))),
  'a blank subject': () => bearer(unsigned(claims({ sub: ' ' }))),
  'a number for a subject': () => bearer(unsigned(claims({ sub: 5 }))),
  'without an end': () => bearer(unsigned(claims({ exp: undefined }))),
  'an end in ages': () => bearer(unsigned(claims({ exp: 12_000_000_000 }))),
  'a number for scope': () => bearer(unsigned(claims({ scope: 5 }))),
  'an end in words': () => bearer(unsigned(claims({ exp: 'soon' }))),
  'without the time of issue': () => bearer(unsigned(claims({ iat: undefined }))),
  'fractions of a second': () => bearer(unsigned(claims({ exp: nowSeconds() + 60.5 }))),
  'another algorithm': () => bearer(unsigned(claims(), { alg: 'HS256' })),
  'no algorithm': () => bearer(unsigned(claims(), {})),
  'algorithm null': () => bearer(unsigned(claims(), { alg: null })),
  'a signature': () => bearer(`${unsigned(claims())}c2ln`),
  'two parts': () => bearer(unsigned(claims()).replace(/\.$/, '')),
  'five parts': () => bearer('a.b.c.d.e'),
  'an empty part': () => bearer(`${json({ alg: 'none' })}..`),
  'claims that are not JSON': () => bearer(`${json({ alg: 'none' })}.aaaa.`.replaceAll('=', '')),
  'claims that are a list': () => bearer(unsigned([1, 2])),
  'another scheme': () => bearer(unsigned(claims()), { scheme: 'Basic' }),
  'scheme in small letters': () => bearer(unsigned(claims()), { scheme: 'bearer' }),
  'no authorization': () => Buffer.from('n,,\x01host=x\x01\x01'),
  nothing: () => Buffer.alloc(0),
  'only the end': () => Buffer.from('n,,\x01\x01'),
  'without its last byte': () => bearer(unsigned(claims())).subarray(0, -1),
  'own authorization id': () => bearer(unsigned(claims()), { gs2: 'n,a=alice,' }),
  'another authorization id': () => bearer(unsigned(claims()), { gs2: 'n,a=bob,' }),
  'channel binding wanted': () => bearer(unsigned(claims()), { gs2: 'p=x,,' }),
  'an extension': () => bearer(unsigned(claims()), { more: 'traceId=12\x01' }),
  'an extension with digits in its name': () => bearer(unsigned(claims()), { more: 'a1=2\x01' }),
  'a second authorization': () =>
    bearer('x.y.z', { more: `auth=Bearer ${unsigned(claims())}\x01` }),
}
for (const [title, token] of Object.entries(bearerTokens)) {
  add(`OAUTHBEARER, ${title}`, async (client) => {
    await oauth(client, token())
    await groupsOf(client)
  })
}
add('OAUTHBEARER, a good token after one that was refused', async (client) => {
  await oauth(client, bearer(unsigned(claims({ exp: 1 }))))
  await client.sendToken(bearer(unsigned(claims())), 2, plainLifetime)
  await groupsOf(client)
})

const early = { ListGroups: listGroups, Metadata: metadata, Fetch: fetch }
for (const [name, api] of Object.entries(early)) {
  const body = api === metadata ? { topics: null } : {}
  add(`${name} before anything else`, async (client) => {
    await client.ask(api, 4, body)
  })
  add(`${name} after ApiVersions`, async (client) => {
    await isServed(client)
    await client.ask(api, 4, body)
  })
  add(`${name} instead of a token`, async (client) => {
    await client.handshake('PLAIN')
    await client.ask(api, 4, body)
    await isServed(client)
  })
}
add('a token before the handshake', async (client) => {
  await client.sendToken(good, 2)
})
for (const version of [0, 1, 3, 4] as const) {
  add(`ApiVersions v${version}, then a login`, async (client) => {
    const body = { clientSoftwareName: 'x', clientSoftwareVersion: '1' }
    await client.ask(apiVersions, version, body, ({ errorCode }) => `error ${errorCode}`)
    await logIn(client)
    await groupsOf(client)
  })
}
add('ApiVersions of a bad software name, then a login', async (client) => {
  const body = { clientSoftwareName: '-', clientSoftwareVersion: '' }
  await client.ask(apiVersions, 3, body, ({ errorCode }) => `error ${errorCode}`)
  await isServed(client)
  await logIn(client)
})
add('ApiVersions twice', async (client) => {
  await isServed(client)
  await isServed(client)
})
add('ApiVersions of an unknown version, twice', async (client) => {
  for (let i = 0; i < 2; i++) {
    const frame = client.frameOf(apiVersions, 3, { clientSoftwareName: 'x' })
    frame.writeInt16BE(99, 6)
    client.write(frame)
    await client.read(apiVersions, 0, ({ errorCode }) => `error ${errorCode}`)
  }
  await logIn(client)
})
add('ApiVersions instead of a token', async (client) => {
  await client.handshake('PLAIN')
  await isServed(client)
})
for (const mechanism of ['GSSAPI', 'plain', 'SCRAM-SHA-1', '', 'x'.repeat(5_000)]) {
  for (const version of [0, 1]) {
    add(`handshake v${version} for ${mechanism.slice(0, 20)}`, async (client) => {
      await client.handshake(mechanism, version)
      await isServed(client)
    })
  }
}
for (const [title, version] of [['handshake of an unknown version', 2] as const]) {
  add(title, async (client) => {
    const frame = client.frameOf(saslHandshake, 1, { mechanism: 'PLAIN' })
    frame.writeInt16BE(version, 6)
    client.write(frame)
    await client.read(saslHandshake, 1)
  })
}
add('a token of an unknown version', async (client) => {
  await client.handshake('PLAIN')
  const frame = client.frameOf(saslAuthenticate, 1, { authBytes: good })
  frame.writeInt16BE(9, 6)
  client.write(frame)
  await client.read(saslAuthenticate, 1)
})
add('two handshakes', async (client) => {
  await client.handshake('PLAIN')
  await client.handshake('PLAIN')
})
add('two handshakes, the first of version 0', async (client) => {
  await client.handshake('PLAIN', 0)
  await client.handshake('PLAIN')
})
add("another mechanism's token", async (client) => {
  await client.handshake('SCRAM-SHA-256')
  await client.sendToken(good, 2)
})
add("PLAIN's mechanism with a SCRAM message", async (client) => {
  await client.handshake('PLAIN')
  await client.sendToken(new ScramDialogue('sha256', 'alice', 'x').first, 2)
})
add("SCRAM's final message first", async (client) => {
  await client.handshake('SCRAM-SHA-256')
  await client.sendToken(Buffer.from('c=biws,r=abc,p=AAAA'), 2)
})
add("SCRAM's first message twice", async (client) => {
  const { first } = new ScramDialogue('sha256', 'alice', passwords.alice)
  await client.handshake('SCRAM-SHA-256')
  await client.sendToken(first, 2, plainScram)
  await client.sendToken(first, 2, plainScram)
})
for (const version of [2, 'raw'] as const) {
  add(`a handshake after the login, token ${version}`, async (client) => {
    await logIn(client, good, version)
    await client.handshake('PLAIN')
    await groupsOf(client)
  })
  add(`a token after the login, token ${version}`, async (client) => {
    await logIn(client, good, version)
    await client.sendToken(good, 2)
    await groupsOf(client)
  })
}

const rawBytes: Readonly<Record<string, Buffer>> = {
  'a token of GSSAPI': Buffer.from([0, 0, 0, 10, 0x60, 0x82, 1, 2, 3, 4, 5, 6, 7, 8]),
  'no bytes': Buffer.from([0, 0, 0, 0]),
  'three bytes': Buffer.from([0, 0, 0, 3, 1, 2, 3]),
  'a negative length': Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2]),
  'a length above the limit': Buffer.from([0, 8, 0, 1, 0, 17, 0, 1]),
  'an unknown key': Buffer.from([0, 0, 0, 10, 3, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
  'a TLS greeting': Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
  'an HTTP request': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
}
for (const [title, bytes] of Object.entries(rawBytes)) {
  add(`${title} at first`, async (client) => {
    client.write(bytes)
    await client.read(apiVersions, 0)
  })
  add(`${title} instead of a token`, async (client) => {
    await client.handshake('PLAIN')
    client.write(bytes)
    await client.read(saslAuthenticate, 2)
  })
}
add('a login and a request in one piece', async (client) => {
  client.write(
    Buffer.concat([
      client.frameOf(saslHandshake, 1, { mechanism: 'PLAIN' }),
      client.frameOf(saslAuthenticate, 2, { authBytes: good }),
      client.frameOf(listGroups, 0, {}),
    ]),
  )
  await client.read(saslHandshake, 1)
  await client.read(saslAuthenticate, 2)
  await client.read(listGroups, 0)
})
add('a bad login and a request in one piece', async (client) => {
  client.write(
    Buffer.concat([
      client.frameOf(saslHandshake, 1, { mechanism: 'PLAIN' }),
      client.frameOf(saslAuthenticate, 2, { authBytes: plainToken('alice', 'x') }),
      client.frameOf(listGroups, 0, {}),
    ]),
  )
  await client.read(saslHandshake, 1)
  await client.read(saslAuthenticate, 2)
  await client.read(listGroups, 0)
})
add('a login byte by byte', async (client) => {
  const frames = [
    client.frameOf(saslHandshake, 1, { mechanism: 'PLAIN' }),
    client.frameOf(saslAuthenticate, 2, { authBytes: good }),
  ]
  for (const byte of Buffer.concat(frames)) {
    client.write(Buffer.from([byte]))
    await new Promise((done) => setImmediate(done))
  }
  await client.read(saslHandshake, 1)
  await client.read(saslAuthenticate, 2)
})

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const again: Readonly<Record<string, Speak>> = {
  'a second login': async (client) => {
    await logIn(client)
    await groupsOf(client)
  },
  'a second login of another user': async (client) => {
    await logIn(client, plainToken('bob', passwords.bob))
    await groupsOf(client)
  },
  'a second login with a wrong password': async (client) => {
    await logIn(client, plainToken('alice', 'wrong'))
    await groupsOf(client)
  },
  'a second login by another mechanism': async (client) => {
    await scram(client, 'SCRAM-SHA-256')
    await groupsOf(client)
  },
  'a second login of version 0': async (client) => {
    await logIn(client, good, 'raw')
    await groupsOf(client)
  },
  'a second login for an unknown mechanism': async (client) => {
    await client.handshake('NONE')
    await groupsOf(client)
  },
  'a request in the middle of a second login': async (client) => {
    await client.handshake('PLAIN')
    await groupsOf(client)
  },
  'three logins in a row': async (client) => {
    await logIn(client)
    await logIn(client)
    await groupsOf(client)
  },
  'a token without a handshake': async (client) => {
    await client.sendToken(good, 2)
  },
}
for (const [title, speak] of Object.entries(again)) {
  add(
    `${title} in a session that ends`,
    async (client) => {
      await logIn(client)
      await groupsOf(client)
      await speak(client)
    },
    'short',
  )
}
add(
  'a request after the end of the session',
  async (client) => {
    await logIn(client)
    await pause(1_800)
    await groupsOf(client)
  },
  'short',
)
add(
  'a second login after the end of the session',
  async (client) => {
    await logIn(client)
    await pause(1_800)
    await logIn(client)
    await groupsOf(client)
  },
  'short',
)
add(
  'the end of a session whose client cannot know of it',
  async (client) => {
    await logIn(client, good, 0)
    await pause(1_800)
    await groupsOf(client)
  },
  'short',
)
add(
  'a token that ends before the session',
  async (client) => {
    await oauth(client, bearer(unsigned(claims({ exp: nowSeconds() + 1 }))))
    await pause(1_200)
    await groupsOf(client)
  },
  'short',
)

export const conversations: readonly Conversation[] = all
