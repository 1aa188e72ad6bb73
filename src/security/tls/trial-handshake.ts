import { X509Certificate } from 'node:crypto'
import { Duplex, PassThrough } from 'node:stream'
import { connect, createServer, type SecureContextOptions } from 'node:tls'

/** One side of a connection between brokers. */
export interface TrialSide {
  readonly context: SecureContextOptions
  /** The own certificate and its issuers, in PEM. */
  readonly chain: string
  /** In PEM; null where the authorities that Node.js knows are trusted. */
  readonly trusted: readonly string[] | null
}

/**
 * Shakes hands in memory, as a broker does with another broker: each side must trust the other's
 * certificate, whatever its names.
 *
 * @param asksClient whether the server asks for the client's certificate.
 * @throws (rejects) Error if one side refuses the other.
 */
export async function trialHandshake(
  server: TrialSide,
  client: TrialSide,
  asksClient: boolean,
): Promise<void> {
  const [near, far] = pipes()
  // A failure is an error of one of the two TLS ends; the pipes only break because of it.
  for (const pipe of [near, far]) pipe.on('error', () => {})
  const acceptor = createServer({
    ...trusting(server, client),
    requestCert: asksClient,
    rejectUnauthorized: asksClient,
  })
  const accepted = new Promise<void>((resolve, reject) => {
    acceptor.once('secureConnection', (end) => {
      end.on('error', () => {})
      resolve()
    })
    acceptor.once('tlsClientError', reject)
  })
  acceptor.emit('connection', far)
  const socket = connect({
    ...trusting(client, server),
    socket: near,
    checkServerIdentity: () => undefined,
  })
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.on('error', reject)
  })
  try {
    await Promise.all([accepted, connected])
  } finally {
    for (const stream of [socket, near, far]) stream.destroy()
  }
}

/**
 * A side that is to verify another. A certificate that is trusted by itself, as Java does, then
 * stands alone: of several ones of one owner OpenSSL would compare the first only.
 */
function trusting({ context, trusted }: TrialSide, peer: TrialSide): SecureContextOptions {
  const { raw } = new X509Certificate(peer.chain)
  const itself = trusted?.find((one) => new X509Certificate(one).raw.equals(raw))
  return itself === undefined ? context : { ...context, ca: itself }
}

/** Two ends of a connection in memory. */
function pipes(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()]
  return [
    Duplex.from({ writable: there, readable: back }),
    Duplex.from({ writable: back, readable: there }),
  ]
}
