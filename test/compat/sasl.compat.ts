import { pbkdf2Sync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { alterUserScramCredentials } from '../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { conversations } from './security/conversations.ts'
import { SaslClient } from './security/sasl-client.ts'
import {
  makeStores,
  passwords,
  type Secured,
  type Stores,
  startSecured,
} from './security/secured.ts'
import { targetName } from './targets.ts'

const salt = Buffer.from('a salt of both brokers')
const iterations = 4096

/** Gives both brokers the same credentials, so that their messages are the same. */
async function addUsers({ ports }: Secured): Promise<void> {
  const client = new SaslClient(ports.open)
  for (const [mechanism, hash, length] of [
    [1, 'sha256', 32],
    [2, 'sha512', 64],
  ] as const) {
    const upsertions = Object.entries(passwords).map(([name, password]) => ({
      ...{ name, mechanism, iterations, salt },
      saltedPassword: pbkdf2Sync(password, salt, iterations, length, hash),
    }))
    const { results } = await client.ask(alterUserScramCredentials, 0, {
      deletions: [],
      upsertions,
    })
    expect(results.map(({ errorCode }: { errorCode: number }) => errorCode)).toEqual([0, 0, 0])
  }
  client.close()
}

describe.skipIf(inject('javaMissing') !== null)('SASL', () => {
  let stores: Stores
  let brokers: readonly Secured[] = []

  beforeAll(async () => {
    stores = await makeStores()
    brokers = await Promise.all([startSecured(targetName, stores), startSecured('kafka', stores)])
    await Promise.all(brokers.map(addUsers))
  }, 180_000)
  afterAll(async () => {
    await Promise.all(brokers.map(({ target }) => target.close()))
    stores?.close()
  })

  test.each(conversations)('$title', async ({ listener, speak }) => {
    const [ours, theirs] = await Promise.all(
      brokers.map(async ({ ports }) => {
        const client = new SaslClient(ports[listener])
        await speak(client)
        client.close()
        return client.transcript
      }),
    )
    expect(ours).toEqual(theirs)
    expect(theirs).not.toEqual([])
  })
})
