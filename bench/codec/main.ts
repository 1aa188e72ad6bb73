import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../test/compat/project-root.ts'
import { machine } from '../report.ts'
import { type Case, cases } from './cases.ts'

const help = `npm run bench:codec -- [flags]      our codec beside those of kafkajs and @platformatic/kafka
  --rounds N     measured rounds, the codecs in turn (15); medians are printed
  --round-ms N   how long one lasts (20)
  --only WORD    only rows with it
  --write        puts the tables into docs/benchmarks.md`

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'round-ms': { type: 'string', default: '20' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Enough calls for the engine to compile the measured code. */
const warmupCalls = 3_000

async function timesOf(run: () => unknown, calls: number): Promise<number> {
  const start = process.hrtime.bigint()
  for (let i = 0; i < calls; i++) {
    const result = run()
    if (result instanceof Promise) await result
  }
  return Number(process.hrtime.bigint() - start) / calls
}

/** Returns the number of calls that fill one round; warms up at the same time. */
async function callsOf(run: () => unknown): Promise<number> {
  const roundNs = Number(flags['round-ms']) * 1e6
  for (let calls = 10; ; calls *= 2) {
    const ns = await timesOf(run, calls)
    if (ns * calls >= roundNs) return Math.max(1, Math.round(roundNs / ns))
  }
}

const median = (some: readonly number[]) => some.toSorted((a, b) => a - b)[some.length >> 1]!

async function measure({ ours, theirs }: Case): Promise<{ ours: number; theirs: number | null }> {
  const runs = theirs === null ? [ours] : [ours, theirs]
  for (const run of runs) await timesOf(run, warmupCalls)
  const calls: number[] = []
  for (const run of runs) calls.push(await callsOf(run))
  const times = runs.map(() => [] as number[])
  for (let round = 0; round < Number(flags.rounds); round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0]
    for (const i of order) if (i < runs.length) times[i]!.push(await timesOf(runs[i]!, calls[i]!))
  }
  return { ours: median(times[0]!), theirs: theirs === null ? null : median(times[1]!) }
}

const ns = (value: number) => Math.round(value).toLocaleString('en')

async function main(): Promise<void> {
  if (flags.help) {
    process.stdout.write(`${help}\n`)
    return
  }
  const [beside, alone]: [string[], string[]] = [[], []]
  for (const one of cases) {
    const name = `${one.message} ${one.what} ${one.rival}`
    if (flags.only !== undefined && !name.includes(flags.only)) continue
    const { ours, theirs } = await measure(one)
    const start = `| ${one.message} v${one.version} | ${one.what} |`
    if (theirs === null) alone.push(`${start} ${ns(ours)} |`)
    else {
      const ratio = (theirs / ours).toFixed(1)
      beside.push(`${start} ${ns(ours)} | ${one.rival} | ${ns(theirs)} | ${ratio} |`)
    }
    process.stderr.write(`${(theirs === null ? alone : beside).at(-1)}\n`)
  }
  const lines = [
    `${machine(false)}; ${flags.rounds} rounds of ${flags['round-ms']} ms in turn, medians, ns a call.`,
    '',
    '| Message | Direction | odradek | Rival | Rival | Times faster |',
    '| --- | --- | ---: | --- | ---: | ---: |',
    ...beside,
    '',
    'What a broker does and a client does not:',
    '',
    '| Message | Direction | odradek |',
    '| --- | --- | ---: |',
    ...alone,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  if (flags.write) write(lines)
}

function write(lines: readonly string[]): void {
  const path = join(projectRoot, 'docs', 'benchmarks.md')
  const part = /(<!-- codec: [^\n]*-->\n)[\s\S]*?(<!-- end -->)/
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(part, (_, s, e) => `${s}\n${lines.join('\n')}\n\n${e}`),
  )
}

await main()
