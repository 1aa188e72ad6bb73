import {
  type ConnectionOptions,
  connect,
  getCiphers,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeStores, type Secured, type Stores, startSecured } from './security/secured.ts'
import { targetName } from './targets.ts'

/** Lets OpenSSL's client offer what it deems weak. */
const anyLevel = ':@SECLEVEL=0'
const everything = `ALL:COMPLEMENTOFALL${anyLevel}`
const versions: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const curves = [
  ...['X25519', 'X448', 'P-256', 'P-384', 'P-521', 'P-224', 'secp256k1'],
  ...['brainpoolP256r1', 'brainpoolP384r1'],
]
const groups = ['ffdhe2048', 'ffdhe3072']

/** @returns the connection after its handshake, or null if the broker does not agree. */
function shakeHands({ ports }: Secured, options: ConnectionOptions): Promise<TLSSocket | null> {
  return new Promise((resolve) => {
    const to = { host: '127.0.0.1', port: ports.tls, rejectUnauthorized: false }
    const socket = connect({ ...to, ...options }, () => resolve(socket))
    socket.on('error', () => resolve(null))
    socket.on('close', () => resolve(null))
  })
}

/** Of the offers, those with which a handshake succeeds. */
async function agreed<T>(
  side: Secured,
  offers: readonly T[],
  optionsOf: (offer: T) => ConnectionOptions,
): Promise<readonly T[]> {
  const taken: T[] = []
  for (const offer of offers) {
    const socket = await shakeHands(side, optionsOf(offer))
    if (socket !== null) taken.push(offer)
    socket?.destroy()
  }
  return taken
}

const upTo12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const

/** The properties that a TLS scanner reports, sslyze for one. */
describe.skipIf(inject('javaMissing') !== null)('what a TLS listener agrees to', () => {
  let stores: Stores
  let sides: readonly Secured[] = []

  beforeAll(async () => {
    stores = await makeStores()
    sides = await Promise.all([startSecured(targetName, stores), startSecured('kafka', stores)])
  }, 180_000)
  afterAll(async () => {
    await Promise.all(sides.map(({ target }) => target.close()))
    stores?.close()
  })

  const expectEqual = async <T>(offers: readonly T[], of: (offer: T) => ConnectionOptions) => {
    const [ours, theirs] = await Promise.all(sides.map((side) => agreed(side, offers, of)))
    expect(theirs!.length).toBeGreaterThan(0)
    expect(ours).toEqual(theirs)
  }

  test('protocol versions', () =>
    expectEqual(versions, (version) => ({
      ...{ minVersion: version, maxVersion: version, ciphers: everything },
    })))

  // Whether those without forward secrecy are enabled depends on Java's release.
  test('cipher suites before TLS 1.3, of those with forward secrecy', () =>
    expectEqual(
      getCiphers().filter((name) => /^(ec)?dhe-/.test(name)),
      (name) => ({ ...upTo12, ciphers: name.toUpperCase() + anyLevel }),
    ))

  test('cipher suites of TLS 1.3', () =>
    expectEqual(
      getCiphers().filter((name) => name.startsWith('tls_')),
      (name) => ({ minVersion: 'TLSv1.3', ciphers: name.toUpperCase() }),
    ))

  test('curves before TLS 1.3', () =>
    expectEqual(curves, (ecdhCurve) => ({ ...upTo12, ecdhCurve, ciphers: `ECDHE${anyLevel}` })))

  test('curves and groups of TLS 1.3', () =>
    expectEqual([...curves, ...groups], (ecdhCurve) => ({ minVersion: 'TLSv1.3', ecdhCurve })))

  test('no other handshake on the same connection', async () => {
    const outcomes = await Promise.all(
      sides.map(async (side) => {
        const socket = (await shakeHands(side, upTo12))!
        const outcome = await new Promise<string>((resolve) => {
          socket.on('close', () => resolve('closed'))
          socket.on('error', () => resolve('closed'))
          socket.renegotiate({ rejectUnauthorized: false }, (error) =>
            resolve(error === null ? 'done' : 'closed'),
          )
        })
        socket.destroy()
        return outcome
      }),
    )
    expect(outcomes).toEqual(['closed', 'closed'])
  })
})
