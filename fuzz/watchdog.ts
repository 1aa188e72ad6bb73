import { Worker } from 'node:worker_threads'

/**
 * An input that takes longer (ms) blocks the event loop, so that only another thread can detect it.
 */
const patienceMs = 60_000
const lookMs = 1_000

const program = `
const { workerData: { beat, file, patienceMs, lookMs } } = require('node:worker_threads')
let seen = -1
let sinceMs = 0
setInterval(() => {
  const now = Atomics.load(beat, 0)
  sinceMs = now === seen ? sinceMs + lookMs : 0
  seen = now
  if (sinceMs < patienceMs) return
  require('node:fs').writeSync(2, 'an input does not end: it stands in ' + file + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, lookMs)
`

/** Ends the process with a line that names the input's file if an input does not end. */
export class Watchdog {
  private readonly beat = new Int32Array(new SharedArrayBuffer(4))

  /** @param file the file that the newest input is written to. */
  constructor(file: string) {
    const workerData = { beat: this.beat, file, patienceMs, lookMs }
    new Worker(program, { eval: true, workerData }).unref()
  }

  /** Reports the start of the next input. */
  feed(): void {
    Atomics.add(this.beat, 0, 1)
  }
}
