#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseDecode, parseMetadata, parseStart, usage } from './arguments.ts'
import { BadUsage } from './bad-usage.ts'
import { nodeCommand } from './node-messages.ts'
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
    if (command === 'start') await runStart(parseStart(rest))
    else if (command === nodeCommand) await (await import('./node-process.ts')).runNode()
    else if (command === 'format') await (await import('./format.ts')).runFormat(rest)
    else if (command === 'decode') await decode(rest)
    else if (command === 'metadata') await metadata(rest)
    else throw new BadUsage(`unknown command "${command}"`)
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error
    process.stderr.write(`odradek: ${error.message}\nSee: odradek --help\n`)
    process.exitCode = 2
  }
}

/** The reader of the output may close it early (`| head`): that is no failure. */
function endWithOutput(): void {
  process.stdout.on('error', () => process.exit(0))
}

/** Loaded on demand: a broker starts without it. */
async function decode(args: readonly string[]): Promise<void> {
  endWithOutput()
  const { runDecode } = await import('./decode/decode.ts')
  await runDecode(parseDecode(args), (text) => process.stdout.write(text))
}

async function metadata(args: readonly string[]): Promise<void> {
  const parsed = parseMetadata(args)
  endWithOutput()
  const { runMetadata } = await import('./metadata/metadata.ts')
  const { processRooms } = await import('./metadata/process-rooms.ts')
  process.exitCode = await runMetadata(parsed, await processRooms(parsed.configFile))
}

await main(process.argv.slice(2))
