import { allocateProducerIds, producerIdBlockSize } from '../metadata/controller/brokers.ts'
import type { Metadata } from '../metadata/metadata.ts'

/** Allocates unique producer ids from blocks that the controller assigns (KIP-730). */
export class ProducerIds {
  private readonly metadata: Metadata
  private readonly brokerId: number
  private next = 0
  private end = 0
  private refill: Promise<void> | null = null

  constructor(metadata: Metadata, brokerId: number) {
    this.metadata = metadata
    this.brokerId = brokerId
  }

  async take(): Promise<number> {
    while (this.next === this.end) {
      this.refill ??= this.fetchBlock().finally(() => {
        this.refill = null
      })
      await this.refill
    }
    return this.next++
  }

  private async fetchBlock(): Promise<void> {
    const first = await this.metadata.submit(allocateProducerIds(this.brokerId))
    this.next = first
    this.end = first + producerIdBlockSize
  }
}
