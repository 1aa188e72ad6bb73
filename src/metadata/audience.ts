import type { Clock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import { mergedChanges, type TopicChanges } from './delta.ts'
import type { Image } from './image.ts'

/** Receives new images, in order, before requests see them. */
export type ImageListener = (image: Image, changes: TopicChanges) => void | Promise<void>

/** A listener that takes longer than this for one image, in ms, is logged. */
const slowListenerMs = 10_000

/** An image with its place in the order of the calls of `tell`. */
interface Told {
  readonly order: number
  readonly image: Image
}

interface Seat {
  /** For log lines. */
  readonly name: string
  readonly listener: ImageListener
  /** Passed to the listener last. */
  given: Told
  /** Processed by the listener last. */
  heard: Told
  /** To be passed to the listener when it has processed `given`. */
  waiting: { readonly told: Told; readonly changes: TopicChanges } | null
  isBusy: boolean
}

/**
 * The listeners of one broker, or of the controller, and the image that its requests see: the
 * newest one that all listeners have processed. Each listener gets the images in order, without
 * waiting for the others; one that fails is logged and gets the next image too. Images that arrive
 * while a listener is busy reach it as one, so that a slow listener does not hold up memory.
 */
export class Audience {
  private readonly name: string
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly seats = new Set<Seat>()
  private told: Told
  private seen: Told
  private readonly waiters = new Set<{ readonly order: number; readonly resolve: () => void }>()

  constructor(options: {
    /** For log lines. */
    readonly name: string
    readonly image: Image
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.name = options.name
    this.told = this.seen = { order: 0, image: options.image }
    this.clock = options.clock
    this.logger = options.logger
  }

  /** The newest image that every listener has processed. */
  get image(): Image {
    return this.seen.image
  }

  /** Registers a listener; returns a function that removes it. */
  listen(name: string, listener: ImageListener): () => void {
    const { told } = this
    const seat: Seat = { name, listener, given: told, heard: told, waiting: null, isBusy: false }
    this.seats.add(seat)
    return () => {
      this.seats.delete(seat)
      this.look()
    }
  }

  /** Passes an image to every listener, after the previous ones. */
  tell(image: Image, changes: TopicChanges): void {
    const told = { order: this.told.order + 1, image }
    this.told = told
    for (const seat of this.seats) {
      const { waiting, given } = seat
      const all = waiting === null ? changes : mergedChanges(given.image, waiting.changes, changes)
      seat.waiting = { told, changes: all }
      if (!seat.isBusy) void this.serve(seat)
    }
    this.look()
  }

  /** Resolves when requests see all images passed to `tell` so far. Never rejects. */
  async inStep(): Promise<void> {
    const { order } = this.told
    if (this.seen.order >= order) return
    await new Promise<void>((resolve) => this.waiters.add({ order, resolve }))
  }

  /** Passes waiting images to a listener until none is left. */
  private async serve(seat: Seat): Promise<void> {
    seat.isBusy = true
    for (;;) {
      const { waiting } = seat
      if (waiting === null || !this.seats.has(seat)) break
      seat.waiting = null
      seat.given = waiting.told
      await this.tellOne(seat, waiting.told.image, waiting.changes)
      seat.heard = waiting.told
      this.look()
    }
    seat.isBusy = false
  }

  /** Lets requests see what all listeners have processed. */
  private look(): void {
    let seen = this.told
    for (const { heard } of this.seats) if (heard.order < seen.order) seen = heard
    if (seen.order <= this.seen.order) return
    this.seen = seen
    for (const waiter of this.waiters) {
      if (waiter.order > seen.order) continue
      this.waiters.delete(waiter)
      waiter.resolve()
    }
  }

  private async tellOne({ name, listener }: Seat, image: Image, changes: TopicChanges) {
    const about = { of: this.name, listener: name, offset: image.offset }
    const slow = this.clock.after(slowListenerMs, () =>
      this.logger.warn('a change of the metadata has not been taken in yet', about),
    )
    try {
      await listener(image, changes)
    } catch (error) {
      const why = stackOf(error)
      this.logger.error('a change of the metadata could not be taken in', { ...about, error: why })
    } finally {
      slow.clear()
    }
  }
}
