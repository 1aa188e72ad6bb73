import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** Ticks per second in /proc/PID/stat: USER_HZ, which Linux fixes at 100 for programs. */
const ticksPerSecond = 100

/** Returns the CPU seconds used so far by all threads of a process. */
export function cpuSeconds(pid: number): { user: number; system: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const seconds = (field: number) => Number(fields[field]) / ticksPerSecond
  return { user: seconds(11), system: seconds(12) }
}

/** Returns user and system CPU seconds together. */
export function cpuSecondsInAll(pid: number): number {
  const { user, system } = cpuSeconds(pid)
  return user + system
}

/** Returns the resident memory of a process in MB (10^6 bytes), now and at its peak. */
export function residentMb(pid: number): { nowMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mbOf = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6
  return { nowMb: mbOf('VmRSS'), peakMb: mbOf('VmHWM') }
}

/** ApiVersions v0, correlation id 1, client id null: the first request of any client. */
const apiVersionsFrame = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])

/** Tries once; resolves with true if the broker answers ApiVersions. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const done = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => socket.write(apiVersionsFrame))
    socket.once('data', () => done(true))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
    socket.setTimeout(2_000, () => done(false))
  })
}

const pollMs = 2

/** Resolves with the time of the first answer on a port, by the clock of `performance.now`. */
export async function firstAnswerAtMs(port: number, timeoutMs: number): Promise<number> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await answers(port))) {
    if (performance.now() > deadlineMs) throw new Error(`no answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  return performance.now()
}

/**
 * Writes the kernel's dirty pages to disk; otherwise they would be written during the next load.
 */
export function syncDisks(): void {
  if (process.platform !== 'win32') spawnSync('sync')
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
