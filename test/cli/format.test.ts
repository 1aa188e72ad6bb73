import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.ts'
import { Broker } from '../../src/server/broker.ts'
import { parseProperties } from '../../src/server/config/properties.ts'
import { RawClient } from '../server/raw-client.ts'

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const clusterId = '4L6g3nShT-eMCtK--X86sw'

let dir: string
let config: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-format-'))
  config = join(dir, 'server.properties')
  writeFileSync(
    config,
    [
      'process.roles=broker,controller',
      'node.id=7',
      'controller.listener.names=CONTROLLER',
      'controller.quorum.bootstrap.servers=127.0.0.1:9093',
      'listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:9093',
      `log.dirs=${dir}/a,${dir}/b`,
      '',
    ].join('\n'),
  )
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function format(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [cli, 'format', ...args], (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err: err.trim() })
    })
  })
}

async function withBroker<T>(use: (client: RawClient) => Promise<T>): Promise<T> {
  const settings = Object.fromEntries(parseProperties(readFileSync(config, 'utf8')))
  const broker = await Broker.start({ settings })
  const client = await RawClient.open(broker.port)
  try {
    expect(broker.clusterId).toBe(clusterId)
    return await use(client)
  } finally {
    client.close()
    await broker.stop()
  }
}

describe('odradek format', () => {
  test('formats all directories for a voter that is alone, once', async () => {
    const args = ['--config', config, '--cluster-id', clusterId, '--standalone']
    const first = await format(...args)
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out.split('\n')).toEqual([
      `Formatting dynamic metadata voter directory ${dir}/a with metadata.version 4.4-IV2.`,
      `Formatting data directory ${dir}/b with metadata.version 4.4-IV2.`,
      '',
    ])
    expect(readdirSync(join(dir, 'a', '__cluster_metadata-0'))).toEqual([
      '00000000000000000000-0000000000.checkpoint',
    ])
    expect(await format(...args)).toMatchObject({
      code: 1,
      err: `odradek: Log directory ${dir}/a is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    })
    const again = await format(...args, '--ignore-formatted')
    expect(again).toMatchObject({
      code: 0,
      out: 'All of the log directories are already formatted.\n',
    })
    const meta = readFileSync(join(dir, 'a', 'meta.properties'), 'utf8')
    const directoryId = /directory\.id=(.*)/.exec(meta)![1]
    for (const start of ['new', 'known']) {
      await withBroker(async (client) => {
        const { finalizedFeatures } = await client.request(apiVersions, 4, {
          clientSoftwareName: 'test',
          clientSoftwareVersion: '1',
        })
        const levels = finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])
        expect(levels, start).toContainEqual(['kraft.version', 1])
        const { topics } = await client.request(describeQuorum, 2, {
          topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
        })
        const [voter] = topics[0]!.partitions[0]!.currentVoters
        expect(voter).toMatchObject({ replicaId: 7, replicaDirectoryId: directoryId })
      })
    }
  })

  test('takes a release, levels of features and users', async () => {
    const said = await format(
      ...['--config', config, '-t', clusterId, '--no-initial-controllers'],
      ...['--release-version', '4.0', '--feature', 'transaction.version=1'],
      ...['--add-scram', 'SCRAM-SHA-256=[name=alice,password=secret,iterations=8192]'],
      ...['--add-scram', 'SCRAM-SHA-512=[name="bob",password=x]'],
    )
    expect(said).toMatchObject({ code: 0, err: '' })
    await withBroker(async (client) => {
      const { finalizedFeatures } = await client.request(apiVersions, 4, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1',
      })
      expect(
        Object.fromEntries(finalizedFeatures.map((one) => [one.name, one.maxVersionLevel])),
      ).toEqual({
        'metadata.version': 25,
        'group.version': 1,
        'transaction.version': 1,
        'kraft.version': 1,
      })
      const { results } = await client.request(describeUserScramCredentials, 0, { users: null })
      expect(
        results
          .toSorted((a, b) => (a.user < b.user ? -1 : 1))
          .map(({ user, credentialInfos }) => [user, credentialInfos]),
      ).toEqual([
        ['alice', [{ mechanism: 1, iterations: 8192 }]],
        ['bob', [{ mechanism: 2, iterations: 4096 }]],
      ])
    })
  })

  test('says what is wrong, and writes nothing', async () => {
    const refused = async (...args: string[]) => {
      const { code, err } = await format('--config', config, '-t', clusterId, ...args)
      expect(code).toBe(1)
      return err
    }
    expect(await refused()).toContain('you must specify one of the following: --standalone')
    expect(await refused('--standalone', '--feature', 'share.version=7')).toContain(
      'No feature:share.version with feature level 7',
    )
    expect(await refused('--standalone', '--feature', 'no.version=7')).toContain(
      'Unsupported feature: no.version.',
    )
    expect(await refused('--standalone', '--release-version', '9.9')).toContain(
      "Unknown metadata.version '9.9'. Supported metadata.version are: 3.3-IV3, 3.4-IV0,",
    )
    expect(await refused('-s', '--add-scram', 'SCRAM-SHA-256=[name=alice]')).toContain(
      "You must supply one of 'password' or 'saltedpassword' to add-scram",
    )
    expect(readdirSync(dir)).toEqual(['server.properties'])
    expect((await format('--data', join(dir, 'c'), '-t', 'short')).code).toBe(1)
    expect((await format('--bogus')).code).toBe(2)
  })
})
