import type { Clock } from '../src/base/clock.ts'
import type { Random } from '../src/base/random.ts'
import { FaultyNetwork } from '../src/sim/faulty-network.ts'
import { MemoryNetwork } from '../src/sim/memory-network.ts'
import { SimulatedTime } from '../src/sim/simulated-time.ts'
import { seededRandom } from '../test/storage/logs.ts'

/** Time of one piece of bytes on its way, in ms, without any fault. */
const latencyMs = 0.5

/** Time, network and notes of one run, all from its seed. */
export class World {
  readonly time = new SimulatedTime()
  /** Goes on whatever node dies. */
  readonly clock: Clock = this.time.clockOf(this)
  readonly random: Random
  readonly sockets: MemoryNetwork
  readonly network: FaultyNetwork
  /** Events of the run in their order, printed if it fails. */
  readonly notes: string[] = []
  /** Broken promises of the cluster; none in a run that passes. */
  readonly violations: string[] = []

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.sockets = new MemoryNetwork({ clock: this.clock, latencyMs })
    this.network = new FaultyNetwork({ clock: this.clock, random: seededRandom(seed + 1) })
  }

  note(text: string): void {
    this.notes.push(`${(this.time.elapsedMs / 1000).toFixed(3)} ${text}`)
  }

  violated(what: string): void {
    if (this.violations.includes(what)) return
    this.violations.push(what)
    this.note(`VIOLATED: ${what}`)
  }

  chance(share: number): boolean {
    return this.random.int(1_000_000) < share * 1_000_000
  }

  oneOf<T>(all: readonly T[]): T {
    return all[this.random.int(all.length)]!
  }
}
