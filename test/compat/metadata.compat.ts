import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { freePort } from './free-port.ts'
import { startJava } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { runWell } from './process.ts'
import { projectRoot } from './project-root.ts'
import { soon, Target, type TargetName, targetName } from './targets.ts'

const other: TargetName = 'kafka'
const rounds: [TargetName, TargetName, TargetName][] = [
  [targetName, other, targetName],
  [other, targetName, other],
]
/** odradek only keeps access control entries; Apache Kafka creates and lists them. */
const authorizing = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}
const metadataDir = '__cluster_metadata-0'

/** Metadata moves with its directory, also out of snapshots. */
describe.skipIf(inject('javaMissing') !== null)(
  'the metadata of one directory, two brokers',
  () => {
    let dataDir = ''
    let broker: Target
    const open = async (name: TargetName) => {
      broker = new Target(name, {
        dataDir,
        settings: {
          'group.initial.rebalance.delay.ms': 0,
          'offsets.topic.num.partitions': 5,
          'metadata.log.max.record.bytes.between.snapshots': 3000,
          'metadata.max.retention.bytes': 50_000,
          ...(name === other ? authorizing : {}),
        },
      })
      await broker.start()
    }
    afterEach(async () => {
      await broker?.close()
      rmSync(dataDir, { recursive: true, force: true })
    })

    const ask = async (tool: Tool, args: string[]) =>
      (await javaTools()).ask(tool, ['--bootstrap-server', broker.bootstrap, ...args])
    const lines = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .toSorted()
    const alter = ['--alter', '--add-config']
    const entity = (type: string, name: string) => ['--entity-type', type, '--entity-name', name]

    const change = async (round: number) => {
      const name = `r${round}`
      for (let i = 0; i < 12; i++) {
        const config = ['--config', `retention.ms=${60_000 + i}`]
        await ask('topics', ['--create', '--topic', `${name}-${i}`, '--partitions', '5', ...config])
      }
      await ask('topics', ['--delete', '--topic', `${name}-3`])
      await ask('topics', ['--alter', '--topic', `${name}-4`, '--partitions', '7'])
      await ask('configs', [...entity('topics', `${name}-5`), ...alter, 'cleanup.policy=compact'])
      await ask(
        'configs',
        ['--entity-type', 'brokers', '--entity-default'].concat(
          alter,
          `log.retention.ms=${round}77777`,
        ),
      )
      await ask('configs', [
        ...entity('users', name),
        ...alter,
        `producer_byte_rate=${1000 + round}`,
      ])
      const pair = [...entity('users', name), '--entity-type', 'clients', '--entity-default']
      await ask('configs', [...pair, ...alter, 'request_percentage=50.5'])
      const credential = `SCRAM-SHA-512=[iterations=8192,password=secret${round}]`
      await ask('configs', [...entity('users', name), ...alter, credential])
      await ask('configs', [
        ...entity('groups', name),
        ...alter,
        'consumer.session.timeout.ms=50000',
      ])
      if (broker.name === other) {
        const rule = ['--add', '--allow-principal', `User:${name}`, '--operation', 'Read']
        await ask('acls', [...rule, '--topic', name, '--resource-pattern-type', 'prefixed'])
      }
    }
    const state = async () => ({
      topics: lines(await ask('topics', ['--describe', '--exclude-internal'])),
      brokers: lines(
        await ask('configs', ['--entity-type', 'brokers', '--entity-default', '--describe']),
      ),
      users: lines(await ask('configs', ['--entity-type', 'users', '--describe'])),
      pairs: lines(
        await ask('configs', ['--entity-type', 'users', '--entity-type', 'clients', '--describe']),
      ),
      groups: lines(await ask('configs', ['--entity-type', 'groups', '--describe'])),
      features: lines(await ask('features', ['describe'])).map((line) =>
        line.replace(/Epoch: \d+/, ''),
      ),
    })
    const acls = async () => lines(await ask('acls', ['--list']))
    const checkpoints = () =>
      readdirSync(join(dataDir, metadataDir)).filter((name) => name.endsWith('.checkpoint'))

    test.each(rounds)(
      '%s, then %s, then %s, with snapshots all the way',
      async (...names) => {
        dataDir = mkdtempSync(join(tmpdir(), 'metadata-'))
        let left: Awaited<ReturnType<typeof state>> | null = null
        let rules: string[] | null = null
        for (const [round, name] of names.entries()) {
          await open(name)
          if (left !== null) await expect.poll(state, soon).toEqual(left)
          if (rules !== null && name === other) await expect.poll(acls, soon).toEqual(rules)
          await change(round)
          left = await state()
          if (name === other) rules = await acls()
          await broker.stop()
          const written = checkpoints()
          expect(written.length, String(written)).toBeGreaterThan(0)
          for (const file of written) {
            const path = join(dataDir, metadataDir, file)
            const { stdout, stderr, code } = await (await javaTools()).call('dump-log', [
              ...['--cluster-metadata-decoder', '--files', path],
            ])
            expect([stderr.trim(), code]).toEqual(['', 0])
            expect(stdout).toMatch(/SnapshotHeader[\s\S]*FEATURE_LEVEL_RECORD[\s\S]*SnapshotFooter/)
            expect(stdout).not.toMatch(/isvalid: false|Could not decode/)
          }
        }
      },
      240_000,
    )
  },
)

describe.skipIf(inject('javaMissing') !== null || targetName === other)('odradek format', () => {
  const dir = mkdtempSync(join(tmpdir(), 'format-'))
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const clusterId = '4L6g3nShT-eMCtK--X86sw'

  const propertiesFor = async (name: string) => {
    const [port, controllerPort] = [await freePort(), await freePort()]
    const file = join(dir, `${name}.properties`)
    const text = [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.listener.names=CONTROLLER',
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`,
      `log.dirs=${join(dir, name)}`,
    ]
    writeFileSync(file, `${text.join('\n')}\n`)
    return { file, bootstrap: `127.0.0.1:${port}` }
  }
  const args = (file: string) => [
    ...['format', '-t', clusterId, '-c', file, '--standalone', '--release-version', '4.1'],
    ...['--feature', 'transaction.version=1'],
    ...['--add-scram', 'SCRAM-SHA-256=[name=alice,salt="c2FsdHNhbHQ=",password=secret]'],
  ]
  /** The content of the checkpoint of a formatted directory, without random ids. */
  const content = async (name: string) => {
    const folder = join(dir, name, metadataDir)
    const [file] = readdirSync(folder)
    const dump = await (await javaTools()).ask('dump-log', [
      ...['--cluster-metadata-decoder', '--files', join(folder, file!)],
    ])
    const payloads = dump.match(
      /(payload|KRaftVersion|KRaftVoters|SnapshotHeader|SnapshotFooter).*/g,
    )
    const directoryId = /directory\.id=(.*)/.exec(
      readFileSync(join(dir, name, 'meta.properties'), 'utf8'),
    )![1]!
    const text = (payloads ?? []).join('\n').replaceAll(directoryId, 'DIRECTORY')
    return text
      .replace(/"lastContainedLogTimestamp":\d+/, '"lastContainedLogTimestamp":N')
      .replace(/"port":\d+/, '"port":N')
  }

  test('writes what kafka-storage writes, and Apache Kafka starts on it', async () => {
    const [ours, theirs] = [await propertiesFor('ours'), await propertiesFor('theirs')]
    await runWell(process.execPath, [join(projectRoot, 'dist', 'cli.js'), ...args(ours.file)], {})
    const real = startJava('kafka.tools.StorageTool', args(theirs.file), { classes: 'server' })
    expect((await real.end(60_000)).code).toBe(0)
    expect(await content('ours')).toBe(await content('theirs'))
    expect(await content('ours')).toContain('alice')
    const kafka = startJava('kafka.Kafka', [ours.file], { classes: 'server' })
    try {
      await kafka.until(/Kafka Server started/, 60_000)
      const tools = await javaTools()
      const at = ['--bootstrap-server', ours.bootstrap]
      expect(await tools.ask('features', [...at, 'describe'])).toMatch(
        /transaction\.version.*FinalizedVersionLevel: 1/,
      )
      expect(await tools.ask('configs', [...at, '--entity-type', 'users', '--describe'])).toContain(
        'SCRAM-SHA-256=iterations=4096',
      )
      expect(await tools.ask('metadata-quorum', [...at, 'describe', '--status'])).toContain(
        clusterId,
      )
    } finally {
      await kafka.kill('SIGKILL')
    }
  })
})

/** Before Apache Kafka 4.4, formatting wrote a `bootstrap.checkpoint` beside the logs. */
describe.skipIf(inject('javaMissing') !== null)('a directory of an older kafka-storage', () => {
  let dir = ''
  const open: Target[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    rmSync(dir, { recursive: true, force: true })
  })

  test.each(['3.9', '4.0'])(
    'formatted for %s has the features it has on Apache Kafka',
    async (release) => {
      dir = mkdtempSync(join(tmpdir(), 'odradek-bootstrap-'))
      const formatted = join(dir, 'formatted')
      const file = join(dir, 'server.properties')
      const text = [
        'process.roles=broker,controller',
        'node.id=1',
        'controller.listener.names=CONTROLLER',
        'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
        'controller.quorum.voters=1@127.0.0.1:9093',
        `log.dirs=${formatted}`,
      ]
      writeFileSync(file, `${text.join('\n')}\n`)
      const tools = await javaTools()
      const args = ['format', '-t', '5bLNs3gXQVCpHYQ1Wd0b8A', '-c', file]
      await tools.ask('storage', [...args, '--release-version', release])
      expect(readdirSync(formatted).toSorted()).toEqual(['bootstrap.checkpoint', 'meta.properties'])

      const features = async (name: TargetName) => {
        const dataDir = join(dir, name)
        cpSync(formatted, dataDir, { recursive: true })
        const target = new Target(name, { dataDir })
        open.push(target)
        const said: string[] = []
        for (const turn of ['first', 'again']) {
          await target.start()
          const at = ['--bootstrap-server', target.bootstrap]
          const told = await tools.ask('features', [...at, 'describe'])
          said.push(turn, told.replace(/Epoch: \d+/g, 'Epoch: N'))
          await tools.ask('topics', [...at, '--create', '--topic', turn])
          said.push(...(await tools.ask('topics', [...at, '--list'])).trim().split('\n').toSorted())
          await target.stop()
        }
        return said
      }
      const [mine, real] = await Promise.all([features(targetName), features('kafka')])
      expect(mine).toEqual(real)
      expect(real.join()).toContain(`FinalizedVersionLevel: ${release}-IV`)
    },
  )
})
