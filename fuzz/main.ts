import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzz } from './run.ts'
import { targets } from './targets.ts'
import { Watchdog } from './watchdog.ts'

const help = `npm run fuzz -- [flags]      bytes that nobody should send, for every decoder
  --seconds N       of the processor for each target (60)
  --inputs N        stops a target after as many (no limit)
  --target A,B,...  ${targets.map(({ name }) => name).join(', ')} (all)
  --seed N          throws the same dice again (random)
  --findings N      stops a target after as many different findings (5)

Inputs are golden messages, batches, files, logins and key stores with a few changes. A finding is anything but an orderly
refusal: another error, a broken claim, an input of more than 3 s, more than 1 GB of memory. It is written
to .cache/fuzz/; a line of it in fuzz/corpus/TARGET.hex makes npm test try it for ever.`

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    inputs: { type: 'string', default: 'Infinity' },
    target: { type: 'string' },
    seed: { type: 'string' },
    findings: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const folder = join(process.cwd(), '.cache', 'fuzz')

/**
 * Targets whose last input is kept: native code may end the process without a message, and a broker
 * that spins never ends.
 */
const keepsLast = ['gzip', 'snappy', 'lz4', 'zstd', 'mapping', 'keystore', 'directories']

async function main(): Promise<void> {
  if (flags.help) {
    say(help)
    return
  }
  mkdirSync(folder, { recursive: true })
  const seed = Number(flags.seed ?? Math.floor(Math.random() * 2 ** 31))
  const names = flags.target?.split(',') ?? targets.map(({ name }) => name)
  let findings = 0
  for (const name of names) {
    const target = targets.find((one) => one.name === name)
    if (target === undefined) throw new Error(`no target "${name}"; --help lists them`)
    const last = join(folder, `${name}.last`)
    const watchdog = keepsLast.includes(name) ? new Watchdog(last) : null
    const before = (input: Buffer) => {
      writeFileSync(last, `${input.toString('hex')}\n`)
      watchdog!.feed()
    }
    let found = 0
    const report = await fuzz(target, {
      seed,
      seconds: Number(flags.seconds),
      findingsMax: Number(flags.findings),
      inputsMax: Number(flags.inputs),
      found: ({ input, why }) => {
        const file = join(folder, `${name}-${seed}-${found++}.hex`)
        writeFileSync(file, `${input.toString('hex')}\n`)
        say(`  ${file}\n    ${why.split('\n').slice(0, 6).join('\n    ')}`)
      },
      ...(watchdog === null ? {} : { before }),
    })
    await target.close?.()
    const { inputs, seconds, residentBytesMost, slowestMs } = report
    say(
      `${name.padEnd(9)} seed ${seed}: ${inputs} inputs in ${seconds.toFixed(0)} s, slowest ` +
        `${slowestMs.toFixed(0)} ms, memory at most ${Math.round(residentBytesMost / 2 ** 20)} MB, ` +
        `${report.findings.length} findings`,
    )
    findings += report.findings.length
  }
  if (findings > 0) process.exitCode = 1
}

await main()
