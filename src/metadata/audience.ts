import type { Clock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { TopicChanges } from './delta.ts'
import type { Image } from './image.ts'

/** Receives every new image, in order, before requests see it. */
export type ImageListener = (image: Image, changes: TopicChanges) => void | Promise<void>

/** A listener that takes longer than this for one image, in ms, is logged. */
const slowListenerMs = 10_000

interface Seat {
  /** For log lines. */
  readonly name: string
  readonly listener: ImageListener
  /** Resolves when the listener has processed all images it was given. */
  heard: Promise<void>
}

/**
 * The listeners of one broker, or of the controller, and the image that its requests see: the
 * newest one that all listeners have processed. Each listener gets the images in order, without
 * waiting for the others; one that fails is logged and gets the next image too.
 */
export class Audience {
  private readonly name: string
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly seats = new Set<Seat>()
  private seen: Image
  private step: Promise<void> = Promise.resolve()

  constructor(options: {
    /** For log lines. */
    readonly name: string
    readonly image: Image
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.name = options.name
    this.seen = options.image
    this.clock = options.clock
    this.logger = options.logger
  }

  /** The newest image that every listener has processed. */
  get image(): Image {
    return this.seen
  }

  /** Registers a listener; returns a function that removes it. */
  listen(name: string, listener: ImageListener): () => void {
    const seat: Seat = { name, listener, heard: Promise.resolve() }
    this.seats.add(seat)
    return () => void this.seats.delete(seat)
  }

  /** Passes an image to every listener, after the previous ones. */
  tell(image: Image, changes: TopicChanges): void {
    const heard = [...this.seats].map((seat) => {
      seat.heard = seat.heard.then(() => this.tellOne(seat, image, changes))
      return seat.heard
    })
    this.step = Promise.all([this.step, ...heard]).then(() => {
      this.seen = image
    })
  }

  /** Resolves when requests see all images passed to `tell` so far. Never rejects. */
  inStep(): Promise<void> {
    return this.step
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
