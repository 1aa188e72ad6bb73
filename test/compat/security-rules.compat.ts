import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseJaas } from '../../src/security/jaas.ts'
import { parsePrincipalMapping } from '../../src/security/principal-mapping.ts'
import { subjectOf } from '../../src/security/tls/distinguished-name.ts'
import { readStoreCertificates, readStoreKey } from '../../src/security/tls/key-store.ts'
import { compile, startJava } from './kafka/java.ts'
import { runWell } from './process.ts'
import { Stores, storePassword } from './security/secured.ts'

/** Asks Kafka's own classes (`java/SecurityRules.java`). */
async function asked(cases: readonly (readonly (string | Buffer)[])[]): Promise<string[]> {
  const program = startJava('SecurityRules', [], { extra: [await compile()] })
  const base64 = (part: string | Buffer) => Buffer.from(part).toString('base64')
  program.child.stdin?.end(
    cases.map(([kind, ...parts]) => [kind, ...parts.map(base64)].join('\t')).join('\n'),
  )
  const { code, stdout, stderr } = await program.end(60_000)
  expect(code, stderr).toBe(0)
  return stdout
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64').toString('utf8'))
}

/** An error is compared by its text where Kafka's is one of its own. */
function tried(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return `!${(error as Error).message}`
  }
}

const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const jaasTexts = [
  `${module} required username="admin" password="admin-secret" user_admin="x" user_alice="y";`,
  `${module} required;`,
  `${module} REQUIRED a=b;`,
  `  ${module}\n  requisite\n  a="1"\n  b='two'; `,
  `${module} sufficient a="x;y=z" // the rest\n b=c;`,
  `${module} optional /* so */ a=b;`,
  `${module} required a="quo\\"te" b="back\\\\slash" c="tab\\t" d="\\101\\7";`,
  `${module} required a=x-y_z$1 b=c.d;`,
  `${module} required a=/etc/passwd;`,
  `${module} required a="/etc/passwd";`,
  `${module} required a=1;`,
  `${module} required a=-x;`,
  `${module} required a=b1;`,
  `${module} required a="";`,
  `${module} required a=ü;`,
  `${module} required a="ü" a="later";`,
  `${module} required a="open;`,
  `${module} required a="open\n" b=c;`,
  `${module} required a b;`,
  `${module} required a=;`,
  `${module} required a=b`,
  `${module} required =b;`,
  `${module} required "a"="b";`,
  `${module} required a=b c=d;;`,
  `${module} nonsense;`,
  `${module} "required" a=b;`,
  `${module} 5;`,
  `${module}`,
  `${module};`,
  '',
  '   ',
  ';',
  `${module} required; ${module} required;`,
]

const names = [
  'CN=alice,OU=ServiceUsers,O=Example,C=DE',
  'CN=Bob Smith,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown',
  'cn=joe.x,o=1',
  'O=z',
  'CN=a\\,b,O=c',
  '',
]
const ruleTexts = [
  'DEFAULT',
  '',
  'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/',
  'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,DEFAULT',
  'RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L',
  'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,DEFAULT',
  'RULE:^CN=(.*?),.*$/$1/U , RULE:^.*$/none/',
  'RULE:^CN=(.*?),.*$/$1$2/',
  'RULE:^CN=(.*?),.*$/$12/',
  'RULE:^CN=(.*?),.*$/\\$1x/',
  'RULE:.*/a\\/b/',
  'RULE:O=z/y/',
  'RULE:^CN=(.*?),.*$/$1/X',
  'RULE:^CN=(.*?),.*$/$1',
  'RULE:^CN=(.*?),.*$',
  'default',
  'DEFAULT,',
  ',,DEFAULT',
  'RULE:^CN=(.*?),OU=(.*)$/$2-$1/L,RULE:^O=(.*)$/$0/',
]

const subjects = [
  '/C=DE/O=Ex, Inc/CN=al ice',
  '/DC=com/DC=x/OU=a+CN=b/UID=u1/emailAddress=a@b.c',
  '/CN= lead#;"<>',
  '/serialNumber=12/L=Köln/ST=NRW/CN=ü=x',
  '/CN=back\\\\slash/street=here',
  '/title=t/GN=g/SN=s/CN=plus\\+',
]

describe.skipIf(inject('javaMissing') !== null)('security settings', () => {
  let stores: Stores
  beforeAll(() => {
    stores = new Stores()
  })
  afterAll(() => stores.close())

  test('JAAS texts are read as Kafka reads them', async () => {
    const theirs = await asked(jaasTexts.map((text) => ['jaas', text]))
    const ours = jaasTexts.map((text) =>
      tried(() => {
        const { name, options } = parseJaas(text)
        const sorted = [...options].sort(([a], [b]) => (a < b ? -1 : 1))
        return `${name}{${sorted.map(([key, value]) => `${key}=${value}`).join(', ')}}`
      }),
    )
    const together = (all: readonly string[]) => jaasTexts.map((text, i) => [text, all[i]])
    expect(together(ours)).toEqual(together(theirs))
  })

  test('mapping rules give the names that Kafka gives', async () => {
    const cases = ruleTexts.flatMap((rules) => names.map((name) => [rules, name] as const))
    const theirs = await asked(cases.map(([rules, name]) => ['map', rules, name]))
    const ours = cases.map(([rules, name]) =>
      tried(() => parsePrincipalMapping(rules)(name) ?? '!NoMatchingRule'),
    )
    const together = (all: readonly string[]) => cases.map((one, i) => [...one, all[i]])
    expect(together(ours)).toEqual(together(theirs))
  })

  test('the subject of a certificate is written as Java writes it', async () => {
    const certificates: Buffer[] = []
    for (const [i, subject] of subjects.entries()) {
      const out = stores.path(`subject-${i}.pem`)
      const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-days', '3']
      const to = ['-utf8', '-multivalue-rdn', '-subj', subject, '-out', out]
      await runWell('openssl', ['req', '-x509', ...key, ...to], { timeoutMs: 60_000 })
      certificates.push(new X509Certificate(readFileSync(out)).raw)
    }
    const theirs = await asked(certificates.map((der) => ['subject', der]))
    expect(certificates.map(subjectOf)).toEqual(theirs)
  })

  test.each(['RSA', 'EC'])("keytool's stores with an %s key are read", async (algorithm) => {
    for (const type of ['PKCS12', 'JKS'] as const) {
      const name = `${algorithm}-${type}`
      const keyPassword = type === 'JKS' ? 'another-pw' : storePassword
      const store = ['-keystore', stores.path(name), '-storetype', type]
      const pass = ['-storepass', storePassword, '-keypass', keyPassword]
      const key = ['-keyalg', algorithm, '-alias', 'k', '-dname', `CN=${name}`]
      await runWell('keytool', ['-genkeypair', ...key, ...store, ...pass], { timeoutMs: 60_000 })
      const file = stores.path(`${name}.crt`)
      const certificate = ['-rfc', '-alias', 'k', '-file', file]
      await runWell(
        'keytool',
        ['-exportcert', ...certificate, ...store, '-storepass', storePassword],
        { timeoutMs: 60_000 },
      )
      const bytes = readFileSync(stores.path(name))
      const { key: pem, chain } = await readStoreKey(bytes, storePassword, keyPassword)
      const written = new X509Certificate(readFileSync(file))
      expect(new X509Certificate(chain).fingerprint256).toBe(written.fingerprint256)
      const { createPrivateKey } = await import('node:crypto')
      expect(written.checkPrivateKey(createPrivateKey(pem!))).toBe(true)
      await expect(readStoreKey(bytes, 'wrong', keyPassword)).rejects.toThrow(/[Pp]assword/)
      await stores.makeTrust(`${name}.trust`, type, [name])
      const trusted = await readStoreCertificates(
        readFileSync(stores.path(`${name}.trust`)),
        storePassword,
      )
      expect(trusted.map((one) => new X509Certificate(one).fingerprint256)).toEqual([
        written.fingerprint256,
      ])
    }
  })
})
