import { type ListenerName, passwords, type Stores, storePassword } from './secured.ts'

/** A Python with confluent-kafka, which brings the newest librdkafka. */
export const python = process.env.ODRADEK_PYTHON ?? 'python3'

type Properties = Readonly<Record<string, string | boolean>>

interface LibrdkafkaCase {
  readonly title: string
  readonly listener: ListenerName
  readonly settingsOf: (stores: Stores) => Properties
  /** As `python/secured.py` says it. */
  readonly expected: object
}

const seesOwn = { topics: ['alices'], same: true }
const refused = (code: string) => ({ refused: [code] })

const protocols = { sasl: 'SASL_PLAINTEXT', both: 'SASL_SSL' } as const
type SaslListener = keyof typeof protocols

const byName = (mechanism: string, password: string = passwords.alice): Properties => ({
  'sasl.mechanism': mechanism,
  'sasl.username': 'alice',
  'sasl.password': password,
})
const logins: Readonly<Record<string, Properties>> = {
  PLAIN: byName('PLAIN'),
  'SCRAM-SHA-256': byName('SCRAM-SHA-256'),
  'SCRAM-SHA-512': byName('SCRAM-SHA-512'),
  'OAUTHBEARER by a callback': { 'sasl.mechanism': 'OAUTHBEARER', oauth_cb: 'alice' },
  'OAUTHBEARER by its own tokens': {
    'sasl.mechanism': 'OAUTHBEARER',
    'enable.sasl.oauthbearer.unsecure.jwt': true,
    'sasl.oauthbearer.config': 'principal=alice',
  },
}
const wrongPasswords = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
  (mechanism) => [`${mechanism} with a wrong password`, byName(mechanism, 'wrong')] as const,
)

const trust = (stores: Stores, certificate = 'broker.crt') => ({
  'ssl.ca.location': stores.path(certificate),
})

const ownKeys: Readonly<Record<string, (stores: Stores) => Properties>> = {
  PEM: (stores) => ({
    'ssl.certificate.location': stores.path('client.pem'),
    'ssl.key.location': stores.path('client.pem'),
  }),
  PKCS12: (stores) => ({
    'ssl.keystore.location': stores.path('client.p12'),
    'ssl.keystore.password': storePassword,
  }),
}

const overSasl = (
  listener: SaslListener,
  [title, login]: readonly [string, Properties],
  expected: object,
): LibrdkafkaCase => ({
  title: `${title} ${listener === 'sasl' ? 'in clear' : 'over TLS'}`,
  listener,
  settingsOf: (stores) => ({
    'security.protocol': protocols[listener],
    ...(listener === 'both' && trust(stores)),
    ...login,
  }),
  expected,
})

export const librdkafkaCases: readonly LibrdkafkaCase[] = [
  ...(['sasl', 'both'] as const).flatMap((listener) =>
    Object.entries(logins).map((login) => overSasl(listener, login, seesOwn)),
  ),
  ...wrongPasswords.map((login) => overSasl('both', login, refused('_AUTHENTICATION'))),
  ...Object.entries(ownKeys).map(([type, keysOf]) => ({
    title: `TLS with a client's certificate in ${type}`,
    listener: 'tls' as const,
    settingsOf: (stores: Stores) => ({
      'security.protocol': 'SSL',
      ...trust(stores),
      ...keysOf(stores),
    }),
    expected: seesOwn,
  })),
  {
    title: 'TLS of a broker that is not trusted',
    listener: 'tls',
    settingsOf: (stores) => ({ 'security.protocol': 'SSL', ...trust(stores, 'client.crt') }),
    expected: refused('_SSL'),
  },
  {
    title: 'PLAIN over TLS of a broker that is not trusted',
    listener: 'both',
    settingsOf: (stores) => ({
      'security.protocol': 'SASL_SSL',
      ...trust(stores, 'client.crt'),
      ...byName('PLAIN'),
    }),
    expected: refused('_SSL'),
  },
]
