import type { Turns } from '../../base/turns.ts'
import type { Audience } from '../../metadata/audience.ts'
import { changesBetween, ImageDelta } from '../../metadata/delta.ts'
import { emptyImage, type Image } from '../../metadata/image.ts'
import { Batch } from '../../protocol/records/batch.ts'
import { MetadataReplay, targetOf } from '../metadata-replay.ts'
import type { OffsetAndEpoch } from './followed-log.ts'
import type { CommittedSink } from './raft-observer.ts'

/**
 * Builds images from committed records, and passes them on from the first that has caught up with
 * the leader (Kafka's `MetadataLoader`).
 */
export class ImageLoader implements CommittedSink {
  private readonly audience: Pick<Audience, 'tell'>
  private readonly turns: Turns
  private delta = new ImageDelta(emptyImage)
  private replay: MetadataReplay
  private newest: Image = emptyImage
  /** The image passed on last; null before the first. */
  private told: Image | null = null

  constructor(audience: Pick<Audience, 'tell'>, turns: Turns) {
    this.audience = audience
    this.turns = turns
    this.replay = this.newReplay()
  }

  /** The image of all records so far, also before it has caught up. */
  get image(): Image {
    return this.newest
  }

  /** Whether the first image has been passed on. */
  get hasCaughtUp(): boolean {
    return this.told !== null
  }

  async committed(batches: readonly Buffer[], highWatermark: number): Promise<void> {
    this.delta = new ImageDelta(this.newest)
    let { epoch } = this.newest
    for (const bytes of batches) {
      await this.replay.batches(bytes, null)
      epoch = new Batch(bytes).leaderEpoch
    }
    const isLater = this.delta.offset > this.newest.offset
    if (isLater) this.newest = this.delta.apply(epoch)
    if (this.told !== null) {
      if (isLater) this.tell(this.newest, this.delta.changes())
    } else if (this.isCaughtUp(highWatermark)) {
      this.tell(this.newest, changesBetween(emptyImage, this.newest))
    }
  }

  async snapshot({ endOffset, epoch }: OffsetAndEpoch, bytes: Buffer): Promise<void> {
    this.delta = new ImageDelta(emptyImage)
    this.replay = this.newReplay()
    await this.replay.batches(bytes, endOffset - 1)
    this.delta.skipTo(endOffset - 1)
    this.newest = this.delta.apply(epoch)
    // Topics that the snapshot does not contain were deleted.
    if (this.told !== null) this.tell(this.newest, changesBetween(this.told, this.newest))
  }

  private tell(image: Image, changes: ReturnType<typeof changesBetween>): void {
    this.told = image
    this.audience.tell(image, changes)
  }

  private isCaughtUp(highWatermark: number): boolean {
    const hasAll = highWatermark >= 0 && this.newest.offset >= highWatermark - 1
    return hasAll && this.replay.hasSeenRecord
  }

  private newReplay(): MetadataReplay {
    return new MetadataReplay(
      targetOf(() => this.delta),
      this.turns,
    )
  }
}
