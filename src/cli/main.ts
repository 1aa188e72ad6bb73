#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseStart, usage } from './arguments.ts'
import { BadUsage } from './bad-usage.ts'
import { runStart } from './start.ts'

/** Exit codes: 0 orderly stop, 1 failure or failed start, 2 wrong usage, 130 immediate stop. */
async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args
  if (command === undefined || command === 'help' || args.includes('--help')) {
    process.stdout.write(usage)
    return
  }
  if (command === '--version') {
    const file = new URL('../package.json', import.meta.url)
    process.stdout.write(`${JSON.parse(readFileSync(file, 'utf8')).version}\n`)
    return
  }
  try {
    if (command === 'start') await start(rest)
    else await (await import('./other-commands.ts')).runOther(command, rest)
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error
    process.stderr.write(`odradek: ${error.message}\nSee: odradek --help\n`)
    process.exitCode = 2
  }
}

async function start(rest: readonly string[]): Promise<void> {
  const args = parseStart(rest)
  if (!args.processes) return runStart(args)
  await (await import('./other-commands.ts')).startProcesses(args)
}

await main(process.argv.slice(2))
