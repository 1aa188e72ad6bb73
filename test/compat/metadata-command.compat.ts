import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { KafkaQuorum } from './kafka/quorum.ts'
import { javaTools } from './kafka/tools.ts'
import { Running } from './process.ts'
import { projectRoot } from './project-root.ts'

const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
const settings = {
  'listener.security.protocol.map': 'CONTROLLER:SASL_PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'sasl.mechanism.controller.protocol': 'PLAIN',
  'sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.controller.plain.sasl.jaas.config': `${login} username="admin" password="a" user_admin="a" user_other="o";`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:admin',
}

/** `odradek metadata` against a controller of Apache Kafka with logins. */
describe.skipIf(inject('javaMissing') !== null)('odradek metadata', { timeout: 300_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'metadata-command-'))
  let quorum: KafkaQuorum
  beforeAll(async () => {
    quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log', settings })
  })
  afterAll(async () => {
    await quorum?.close()
    rmSync(dir, { recursive: true })
  })

  function command(user: string, password: string, ...flags: string[]): Running {
    const config = join(dir, `${user}-${password}.properties`)
    const jaas = `sasl.jaas.config=${login} username="${user}" password="${password}";`
    writeFileSync(config, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n${jaas}\n`)
    const { host, port } = quorum.bootstrap[0]!
    const args = ['metadata', `${host}:${port}`, ...flags, '--command-config', config]
    return new Running(process.execPath, [join(projectRoot, 'dist', 'cli.js'), ...args])
  }

  test('prints the records that kafka-dump-log finds in the log', async () => {
    const { code, stdout, stderr } = await command('admin', 'a', '--json').end(60_000)
    expect(code, stderr).toBe(0)
    const mine = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const tools = await javaTools()
    const files = quorum.logFiles(3000).join(',')
    const flags = ['--cluster-metadata-decoder', '--files', files]
    const theirs = (await tools.ask('dump-log', flags)).split('\n').flatMap((line) => {
      const record = /^\| offset: (\d+) .* payload: (\{.*\})$/.exec(line)
      if (record === null) return []
      const { type, version } = JSON.parse(record[2]!)
      return [`${record[1]} ${type.replaceAll('_', '')} ${version}`]
    })
    const told = mine
      .filter(({ type }) => type !== undefined)
      .map(({ offset, type, version }) => `${offset} ${type.toUpperCase()} ${version}`)
    // At least what the cluster was formatted with.
    expect(told.length).toBeGreaterThanOrEqual(8)
    expect(told).toEqual(theirs.slice(0, told.length))
    const controls = mine.filter(({ control }) => control !== undefined)
    expect(controls.map(({ control }) => control)).toEqual([
      ...['leaderChange', 'kraftVersion', 'kraftVoters'],
    ])
    expect(controls[2].data.voters).toMatchObject([{ voterId: 3000 }])
  })

  test('prints the state of the cluster', async () => {
    const { code, stdout } = await command('admin', 'a', '--image').end(60_000)
    expect(code).toBe(0)
    expect(stdout).toContain('\nRegisterControllerRecord v0\n  controllerId: 3000\n')
    expect(stdout).toContain('  name: "metadata.version"\n  featureLevel: 33\n')
    expect(stdout).not.toContain('NoOpRecord')
  })

  test('goes on while records come', async () => {
    const following = command('admin', 'a', '--follow')
    // Controllers write one of these each half second.
    await following.until(/(NoOpRecord v0\n(.|\n)*){3}/, 60_000)
    await following.kill('SIGTERM')
  })

  test('tells why it may not follow, or cannot log in', async () => {
    const other = await command('other', 'o').end(60_000)
    expect(other).toMatchObject({ code: 1, stdout: '' })
    expect(other.stderr).toContain('its principal needs ClusterAction')
    const wrong = command('other', 'wrong')
    await wrong.until(/Authentication failed: Invalid username or password/, 60_000)
    await wrong.kill('SIGTERM')
  })
})
