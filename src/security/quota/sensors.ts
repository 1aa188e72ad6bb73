/** A sensor that nobody has used for this time, in ms, is forgotten, as in Kafka. */
const idleMsMax = 3600_000

/** Maximum number of sensors of one kind; the one unused for longest makes room. */
const sensorsMax = 20_000

interface Place<S> {
  readonly sensor: S
  usedMs: number
}

/** Measurements by the name of what they measure, as many as are in use, up to a limit. */
export class Sensors<S> {
  private readonly make: () => S
  /** In the order of their last use. */
  private readonly places = new Map<string, Place<S>>()

  constructor(make: () => S) {
    this.make = make
  }

  get size(): number {
    return this.places.size
  }

  get(name: string, nowMs: number): S {
    const known = this.places.get(name)
    if (known !== undefined && nowMs - known.usedMs <= idleMsMax) {
      known.usedMs = nowMs
      this.places.delete(name)
      this.places.set(name, known)
      return known.sensor
    }
    this.places.delete(name)
    this.forgetIdle(nowMs)
    const sensor = this.make()
    this.places.set(name, { sensor, usedMs: nowMs })
    return sensor
  }

  private forgetIdle(nowMs: number): void {
    for (const [name, { usedMs }] of this.places) {
      if (nowMs - usedMs <= idleMsMax && this.places.size < sensorsMax) return
      this.places.delete(name)
    }
  }
}
