import { Dice, nextInput } from './mutate.ts'
import type { Target } from './target.ts'

/** An input that takes longer (ms) is a finding: a client could keep the event loop busy. */
const inputMsMax = 3_000
/** More memory (bytes) is a finding: no input is larger than 64 KiB. */
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

/**
 * Runs one input.
 *
 * @returns the failure, or null.
 */
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

/** Returns the CPU seconds since `start`: other load on the machine must not shorten a run. */
function spentSeconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1e6
}

export interface RunOptions {
  readonly seed: number
  /** CPU seconds. */
  readonly seconds: number
  readonly findingsMax: number
  /** Called at once for each finding, because a long run may be ended early. */
  readonly found?: (finding: Finding) => void
  /** The run ends after this many inputs; no limit if absent. */
  readonly inputsMax?: number
  /** Called before each input: an input saved here survives a crash of native code. */
  readonly before?: (input: Buffer) => void
}

/** Runs inputs on a target until the time is over or there are enough findings. */
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
    const finding = { target: target.name, input, why }
    findings.push(finding)
    options.found?.(finding)
  }
  while (spentSeconds(start) < options.seconds) {
    if (findings.length >= options.findingsMax || inputs === options.inputsMax) break
    const input = nextInput(dice, seeds)
    options.before?.(input)
    const before = performance.now()
    const why = await attempt(target, input)
    let tookMs = performance.now() - before
    // Other load may have slowed the first run: an input counts as slow only if it is slow twice.
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
