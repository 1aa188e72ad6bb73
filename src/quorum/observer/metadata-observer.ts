import type { Turns } from '../../base/turns.ts'
import { Wait } from '../../base/wait.ts'
import type { NodeAddress } from '../../channel/channel.ts'
import { Audience, type ImageListener } from '../../metadata/audience.ts'
import { emptyImage, type Image } from '../../metadata/image.ts'
import type { OffsetAndEpoch } from './followed-log.ts'
import { ImageLoader } from './image-loader.ts'
import { ObserverFault } from './observer-fault.ts'
import { RaftObserver, type RaftObserverOptions } from './raft-observer.ts'

export interface MetadataObserverOptions
  extends Omit<RaftObserverOptions, 'sink' | 'controllerChanged'> {
  /** For log lines, as in `broker 1`. */
  readonly name: string
  readonly turns: Turns
}

export type ControllerListener = (controller: NodeAddress | null) => void

/**
 * How long, in ms, the next Fetch waits for listeners to process the image. A leader that sees this
 * node fetch on may take the records before for applied.
 */
const listenersWaitMs = 1000

/** A node's view of the metadata of a cluster that controllers elsewhere lead. */
export class MetadataObserver {
  private readonly audience: Audience
  private readonly loader: ImageLoader
  private readonly raft: RaftObserver
  private readonly wait: Wait
  private readonly controllerListeners = new Set<ControllerListener>()
  /** Resolves when the records received so far have been replayed. */
  private replaying: Promise<void> = Promise.resolve()
  private readonly first: Promise<void>
  private settleFirst: { resolve: () => void; reject: (why: Error) => void } | null = null

  constructor(options: MetadataObserverOptions) {
    const { name, clock, logger, turns, failed } = options
    this.audience = new Audience({ name, image: emptyImage, clock, logger })
    this.loader = new ImageLoader(this.audience, turns)
    this.wait = new Wait(clock)
    this.first = new Promise((resolve, reject) => {
      this.settleFirst = { resolve, reject }
    })
    // Callers of `caughtUp` get the reason; without one it is not an unhandled rejection.
    this.first.catch(() => {})
    this.raft = new RaftObserver({
      ...options,
      sink: {
        committed: (batches, highWatermark) =>
          this.take(() => this.loader.committed(batches, highWatermark)),
        snapshot: (id: OffsetAndEpoch, bytes) => this.take(() => this.loader.snapshot(id, bytes)),
      },
      controllerChanged: (controller) => {
        for (const listener of this.controllerListeners) listener(controller)
      },
      failed: (fault) => {
        this.settleFirst?.reject(fault)
        failed(fault)
      },
    })
  }

  /** The newest image that all listeners have processed; empty before the first. */
  get image(): Image {
    return this.audience.image
  }

  /** The offset of the last record in `image`; -1 before the first image. */
  get appliedOffset(): number {
    return this.image.offset
  }

  /** The active controller; null while none is known. */
  get controller(): NodeAddress | null {
    return this.raft.controller
  }

  /**
   * Registers a listener, which gets the first image as a change from nothing; returns a function
   * that removes it.
   * @param name for log lines, if the listener fails or is slow.
   */
  listen(name: string, listener: ImageListener): () => void {
    return this.audience.listen(name, listener)
  }

  /** Calls a function, which must not throw, when `controller` has changed; returns its removal. */
  onController(listener: ControllerListener): () => void {
    this.controllerListeners.add(listener)
    return () => void this.controllerListeners.delete(listener)
  }

  /**
   * Resolves when the listeners have processed the first image: one with all that was committed
   * when its last records were fetched, among them a record of a controller.
   * @throws (rejects) the reason if the observer ends before.
   */
  caughtUp(): Promise<void> {
    return this.first
  }

  /** Resolves when the listeners have processed all records received so far. Never rejects. */
  async inStep(): Promise<void> {
    await this.replaying
    await this.audience.inStep()
  }

  /**
   * Resolves when the listeners have processed all that the leader had committed when it answered a
   * Fetch sent after this call.
   * @throws (rejects) the reason if the observer ends before.
   */
  async refreshed(): Promise<void> {
    await this.raft.refreshed()
    await this.inStep()
  }

  /** Ends the following; the image stays as it is. */
  async close(): Promise<void> {
    this.settleFirst?.reject(new ObserverFault('the observer was closed'))
    this.wait.close()
    await this.raft.close()
  }

  /** Replays records, then gives the listeners some time for them. */
  private async take(replay: () => Promise<void>): Promise<void> {
    const { audience, loader } = this
    const wasCaughtUp = loader.hasCaughtUp
    const replaying = replay()
    this.replaying = replaying.catch(() => {})
    await replaying
    if (!loader.hasCaughtUp) return
    const applied = audience.inStep()
    if (!wasCaughtUp) void applied.then(() => this.settleFirst?.resolve())
    await this.wait.for(listenersWaitMs, applied)
  }
}
