import { Dice, nextInput } from './mutate.ts'
import type { Target } from './target.ts'

/** An input that takes longer than this is a finding: somebody can keep the event loop busy. */
const inputMsMax = 3_000
/** Memory beyond this is a finding: no input is larger than 64 KiB. */
const residentBytesMax = 1024 * 1024 * 1024
const inputsBetweenLooks = 256

export interface Finding {
  readonly target: string
  readonly input: Buffer
  readonly why: string
}

export interface Report {
  readonly target: string
  readonly inputs: number
  readonly seconds: number
  readonly residentBytesMost: number
  readonly slowestMs: number
  readonly findings: readonly Finding[]
}

/** Runs one input. @returns what went wrong, or null. */
export async function attempt(target: Target, input: Buffer): Promise<string | null> {
  try {
    await target.run(input)
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

async function timed(target: Target, input: Buffer): Promise<number> {
  const before = performance.now()
  await attempt(target, input)
  return performance.now() - before
}

/** Seconds of the processor since `start`: a busy machine must not make a run shorter. */
function spentSeconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1e6
}

export interface RunOptions {
  readonly seed: number
  /** Of the processor. */
  readonly seconds: number
  readonly findingsMax: number
  /** Called before each input: what is written down here survives a crash of native code. */
  readonly before?: (input: Buffer) => void
}

/** Throws inputs at a target until its time is over, or enough was found. */
export async function fuzz(target: Target, options: RunOptions): Promise<Report> {
  const dice = new Dice(options.seed)
  await target.run(Buffer.alloc(0))
  const seeds = target.seeds().filter((seed) => seed.length > 0)
  const findings: Finding[] = []
  const reasons = new Set<string>()
  const start = process.cpuUsage()
  let [inputs, residentBytesMost, slowestMs] = [0, 0, 0]
  const found = (input: Buffer, why: string) => {
    const reason = why
      .split('\n')
      .slice(0, 3)
      .join('\n')
      .replace(/[0-9a-f]{6,}|\d+/g, '#')
    if (reasons.has(reason)) return
    reasons.add(reason)
    findings.push({ target: target.name, input, why })
  }
  while (spentSeconds(start) < options.seconds) {
    if (findings.length >= options.findingsMax) break
    const input = nextInput(dice, seeds)
    options.before?.(input)
    const before = performance.now()
    const why = await attempt(target, input)
    let tookMs = performance.now() - before
    // The machine may have been busy with something else: only what is slow twice is slow.
    if (tookMs > inputMsMax) tookMs = Math.min(tookMs, await timed(target, input))
    slowestMs = Math.max(slowestMs, tookMs)
    if (why !== null) found(input, why)
    else if (tookMs > inputMsMax) found(input, `took ${Math.round(tookMs)} ms`)
    if (++inputs % inputsBetweenLooks !== 0) continue
    await new Promise((resolve) => setImmediate(resolve))
    const resident = process.memoryUsage.rss()
    residentBytesMost = Math.max(residentBytesMost, resident)
    if (resident > residentBytesMax) found(input, `${resident >> 20} MB of memory are held`)
  }
  residentBytesMost = Math.max(residentBytesMost, process.memoryUsage.rss())
  const seconds = spentSeconds(start)
  return { target: target.name, inputs, seconds, residentBytesMost, slowestMs, findings }
}
