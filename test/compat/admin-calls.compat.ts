import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { differences } from './admin-differences.ts'
import { compile, startJava } from './kafka/java.ts'
import { projectRoot } from './project-root.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'

/** One call of a method of Admin (`java/AdminCalls.java`), and its result. */
interface Call {
  /** The method, with its variant where it has several. */
  readonly method: string
  readonly form: string
  readonly result: string
}

const runTimeoutMs = 400_000

/** Values that differ between any two brokers, replaced by a word. */
function plain(text: string, target: Target): string {
  return text
    .replaceAll(target.dataDir, 'DIR')
    .replaceAll(String(target.port), 'PORT')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replace(
      /(?<![\w.-])(?=[\w-]*\d|(?:[\w-]*[A-Z]){5})(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{22}(?![\w.-])/g,
      'ID',
    )
    .replace(/((?:CONTROLLER:\/\/|1@)127\.0\.0\.1:)\d+/g, '$1PORT')
    .replace(/(node|broker|attempt|epoch|producer ?id|call)(s?)[ :=]+\d{2,}/gi, '$1$2 N')
}

async function callsOn(target: Target, classes: string): Promise<Call[]> {
  const program = startJava('AdminCalls', [target.bootstrap], { extra: [classes] })
  const { code, stdout } = await program.end(runTimeoutMs)
  if (code !== 0) throw new Error(program.describe())
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', about = '', form = '', result = ''] = plain(line, target).split('\t')
      return { method: about === '' ? name : `${name}, ${about}`, form, result }
    })
}

/** The parts of a result in a fixed order. */
const parts = (result: string) => result.split(/; |(?<=\[)(?=\{)|(?<=\})(?=\])/).toSorted()

const page = join(projectRoot, 'docs', 'admin.md')
const part = /(<!-- methods: [^\n]*-->\n)[\s\S]*?(<!-- end -->)/

describe.skipIf(inject('javaMissing') !== null)(`Java's Admin on ${targetName}`, () => {
  let ours: Target
  let theirs: Target
  let mine: Call[]
  let real: Call[]

  beforeAll(async () => {
    const settings = {
      // The records are of 2023: retention would remove them half a minute after the start.
      'log.retention.ms': -1,
      'group.initial.rebalance.delay.ms': 0,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.num.partitions': 4,
    }
    const classes = await compile()
    // The harness sets these for Kafka only, so they are not compared.
    const also = { 'inter.broker.listener.name': 'PLAINTEXT' }
    ;[ours, theirs] = await Promise.all([
      startBroker({ settings: { ...settings, ...also } }),
      startKafka({ settings }),
    ])
    ;[mine, real] = await Promise.all([callsOn(ours, classes), callsOn(theirs, classes)])
    if (process.env.ODRADEK_COMPAT_KEEP !== undefined) {
      writeFileSync(`${process.env.ODRADEK_COMPAT_KEEP}.ours`, JSON.stringify(mine, null, 1))
      writeFileSync(`${process.env.ODRADEK_COMPAT_KEEP}.real`, JSON.stringify(real, null, 1))
    }
  }, 2 * runTimeoutMs)
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]))

  test('no method is missed', () => {
    expect(real.filter(({ method }) => method.startsWith('missed'))).toEqual([])
    expect(real.length).toBeGreaterThan(200)
    expect(mine.map(({ form }) => form)).toEqual(real.map(({ form }) => form))
  })

  test('results are equal, but where a reason is known', () => {
    const unmet = new Set(Object.values(differences).flatMap(({ where }) => where))
    const expected = real.map((call) => {
      if (targetName === 'kafka') return call
      let { result } = call
      for (const one of differences[call.method]?.where ?? []) {
        if (result !== (result = result.replaceAll(one.kafka, one.ours))) unmet.delete(one)
      }
      return { ...call, result }
    })
    const isLike = ({ method, result }: Call, other = '') =>
      differences[method]?.isUnordered === true
        ? parts(result).join() === parts(other).join()
        : result === other
    const unlike = expected.filter((call, i) => !isLike(call, mine[i]?.result))
    expect(mine.filter((_, i) => unlike.includes(expected[i]!))).toEqual(unlike)
    if (targetName === 'kafka') return
    expect([...unmet], 'these are equal by now: no reason needed').toEqual([])
  })

  test.skipIf(targetName === 'kafka')('docs/admin.md tells it', () => {
    const methods = [...new Set(real.map(({ method }) => method))].toSorted()
    const rows = methods.map((method) => {
      const calls = real.filter((call) => call.method === method).length
      const why = differences[method]
      return `| ${method} | ${calls} | ${why === undefined ? 'equal' : `differs: ${why.reason}`} |`
    })
    const differing = methods.filter((method) => method in differences).length
    const lines = [
      `${real.length} calls; ${methods.length - differing} rows equal, ${differing} not.`,
      '',
      '| Method | Calls | Result beside Apache Kafka |',
      '| --- | --- | --- |',
      ...rows,
    ]
    const text = readFileSync(page, 'utf8')
    const wanted = text.replace(part, (_, start, end) => `${start}\n${lines.join('\n')}\n\n${end}`)
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, wanted)
    else expect(text, 'UPDATE_DOCS=1 npm run test:compat -- admin-calls').toBe(wanted)
  })
})
