import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools } from './kafka/tools.ts'
import { runWell } from './process.ts'
import { projectRoot } from './project-root.ts'
import { byScram, toolArgs } from './security/java-logins.ts'
import { librdkafkaCases, python } from './security/librdkafka-cases.ts'
import { liveChanges } from './security/live-changes.ts'
import {
  makeStores,
  passwords,
  type Secured,
  type Stores,
  startSecured,
} from './security/secured.ts'
import { prepareWorld, superUsers } from './security/secured-world.ts'
import { deniedSteps, superUserSteps, ToolTranscript } from './security/tool-steps.ts'
import { targetName } from './targets.ts'

const isPythonMissing = spawnSync(python, ['-c', 'import confluent_kafka']).status !== 0

/** Clients, tools and changes of rights, against both brokers by the same functions. */
describe.skipIf(inject('javaMissing') !== null)('secured listeners, side by side', () => {
  let stores: Stores
  let sides: readonly Secured[] = []

  beforeAll(async () => {
    stores = await makeStores()
    await stores.makePem('client')
    sides = await Promise.all([
      startSecured(targetName, stores, superUsers),
      startSecured('kafka', stores, superUsers),
    ])
    await Promise.all(sides.map(prepareWorld))
  }, 180_000)
  afterAll(async () => {
    await Promise.all(sides.map(({ target }) => target.close()))
    stores?.close()
  })

  const onBoth = async <T>(work: (side: Secured) => Promise<T>): Promise<[T, T]> =>
    (await Promise.all(sides.map(work))) as [T, T]

  test.skipIf(isPythonMissing).each(librdkafkaCases)(
    'librdkafka: $title',
    async ({ listener, settingsOf, expected }) => {
      const program = join(projectRoot, 'test', 'compat', 'python', 'secured.py')
      const said = await onBoth(async ({ ports }) => {
        const at = { 'bootstrap.servers': `127.0.0.1:${ports[listener]}` }
        const settings = JSON.stringify({ ...at, ...settingsOf(stores) })
        const args = [program, settings, 'alices']
        return JSON.parse(await runWell(python, args, { timeoutMs: 100_000 }))
      })
      expect(said).toEqual([expected, expected])
    },
  )

  test('Java: sessions of 1.5 s are renewed under load, and no record is lost', async () => {
    const records = 6_000
    const tools = await javaTools()
    const load = ['--num-records', String(records), '--throughput', '1000', '--record-size', '500']
    const login = byScram(stores, 'alice', passwords.alice, 'short')
    const ran = await onBoth(async ({ ports }) => {
      const topic = ['--topic', 'alices']
      const open = ['--bootstrap-server', `127.0.0.1:${ports.open}`, ...topic]
      const end = async () =>
        Number((await tools.ask('get-offsets', open)).trim().split(':').at(-1))
      const before = await end()
      const args = [...toolArgs(stores, login, ports.short), ...topic, ...load, '--print-metrics']
      const { code, stdout, stderr } = await tools.call('producer-perf', args)
      const metric = (name: string) =>
        Number(new RegExp(`:${name}:\\{[^}]*\\} *: *([\\d.]+)`).exec(stdout)?.[1])
      expect(metric('successful-reauthentication-total'), stdout + stderr).toBeGreaterThan(1)
      return {
        ...{ code, written: (await end()) - before },
        failed: metric('failed-reauthentication-total'),
        errors: metric('record-error-total'),
        exceptions: stdout.match(/\w+Exception.*/g),
      }
    })
    const well = { code: 0, written: records, failed: 0, errors: 0, exceptions: null }
    expect(ran).toEqual([well, well])
  })

  test.each([
    ['a super user', 'admin', superUserSteps],
    ['a user without rights', 'bob', deniedSteps],
  ] as const)("Kafka's tools over SASL_SSL as %s", async (_, user, steps) => {
    const [ours, theirs] = await onBoth((side) => new ToolTranscript(stores, side, user).run(steps))
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(theirs.join('\n'))
    expect(theirs).toHaveLength(steps.length)
    expect(ours).toEqual(theirs)
  })

  test('ACLs and SCRAM users that change while a connection is open', async () => {
    const [ours, theirs] = await onBoth(liveChanges)
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(theirs.join('\n'))
    expect(theirs).toEqual([
      'before any rule: carol sees []',
      'with a rule: carol sees ["alices"]',
      'without it: carol sees []',
      'with a rule that denies: carol sees []',
      'a second login: NONE  i=4096',
      expect.stringMatching(/^a login after the user is gone: SASL_AUTHENTICATION_FAILED /),
      'on the open connection: carol sees ["alices"]',
    ])
    expect(ours).toEqual(theirs)
  })
})
