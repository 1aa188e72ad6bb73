import { parseArgs } from 'node:util'
import { plant, planted } from './planted.ts'
import { runChaos } from './run.ts'

const help = `npm run chaos -- [flags]      a cluster through failures of the network and deaths of nodes
  --seeds N         number of runs (100)
  --seed N          the first seed (random)
  --seconds N       of simulated time with faults in each run (120)
  --notes           prints what happened in each run
  --planted         counts the runs that find each of the planted bugs instead

Time, network, disks and dice are simulated, so that a seed always gives the same run. A run that breaks a promise prints
what happened in it, and ends the command with 1.`

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '120' },
    notes: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  if (flags.help) {
    say(help)
    return
  }
  const first = Number(flags.seed ?? Math.floor(Math.random() * 2 ** 31))
  if (flags.planted) return findPlanted(first)
  let broken = 0
  for (let seed = first; seed < first + Number(flags.seeds); seed++) {
    const startMs = performance.now()
    const report = await runChaos(seed, Number(flags.seconds) * 1000)
    const isBroken = report.violations.length > 0
    if (isBroken) broken++
    if (isBroken || flags.notes) for (const note of report.notes) say(`  ${note}`)
    const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0)
    say(
      `seed ${seed}: ${report.acknowledged} changes, ${report.lives} lives, ${faults} faults, ` +
        `${report.looks} looks, ${((performance.now() - startMs) / 1000).toFixed(1)} s: ` +
        `${isBroken ? report.violations.join('; ') : 'all promises kept'}`,
    )
  }
  say(`${broken} of ${flags.seeds} runs broke a promise`)
  if (broken > 0) process.exitCode = 1
}

async function findPlanted(first: number): Promise<void> {
  for (const bug of planted) {
    const remove = plant(bug)
    const found: number[] = []
    for (let seed = first; seed < first + Number(flags.seeds); seed++) {
      const { violations } = await runChaos(seed, Number(flags.seconds) * 1000)
      if (bug.finds.test(violations.join('\n'))) found.push(seed)
    }
    remove()
    say(`${bug.name}: found by ${found.length} of ${flags.seeds} runs: ${found.join(', ')}`)
  }
}

await main()
