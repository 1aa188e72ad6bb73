import { parseDecode, parseMetadata, type StartArguments } from './arguments.ts'
import { BadUsage } from './bad-usage.ts'
import { runDecode } from './decode/decode.ts'
import { runFormat } from './format.ts'
import { runMetadata } from './metadata/metadata.ts'
import { processRooms } from './metadata/process-rooms.ts'
import { nodeCommand } from './node-messages.ts'
import { runNode } from './node-process.ts'
import { runProcesses } from './processes.ts'
import { startOptions } from './start.ts'

/** Runs a command that no broker needs for its start. @throws BadUsage for an unknown one. */
export async function runOther(command: string, rest: readonly string[]): Promise<void> {
  if (command === 'format') await runFormat(rest)
  else if (command === 'decode') await decode(rest)
  else if (command === 'metadata') await metadata(rest)
  else if (command === nodeCommand) runNode()
  else throw new BadUsage(`unknown command "${command}"`)
}

/** Starts brokers in processes of their own. */
export function startProcesses(args: StartArguments): Promise<void> {
  return runProcesses(startOptions(args), args.logLevel)
}

/** The reader of the output may close it early (`| head`): that is no failure. */
function endWithOutput(): void {
  process.stdout.on('error', () => process.exit(0))
}

async function decode(args: readonly string[]): Promise<void> {
  endWithOutput()
  await runDecode(parseDecode(args), (text) => process.stdout.write(text))
}

async function metadata(args: readonly string[]): Promise<void> {
  const parsed = parseMetadata(args)
  endWithOutput()
  process.exitCode = await runMetadata(parsed, await processRooms(parsed.configFile))
}
