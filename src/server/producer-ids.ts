import type { Clock } from '../base/clock.ts'
import { ChannelFault } from '../channel/channel.ts'
import { ApiError, errorName } from '../protocol/errors.ts'
import { allocateProducerIds } from '../protocol/messages/67-allocate-producer-ids.ts'
import type { ControllerClient } from './controller-client.ts'

interface Block {
  next: number
  readonly end: number
}

/** The part of a block that is used when the next one is asked for (`RPCProducerIdManager`). */
const prefetchAt = 0.9
/** Time after which a producer that waits for a block is told to ask again, in ms. */
const waitMs = 1000
/** End of the attempts to get a block, in ms. */
const requestTimeoutMs = 60_000

/** Allocates unique producer ids from blocks that the controller assigns (KIP-730). */
export class ProducerIds {
  private readonly controller: ControllerClient
  private readonly brokerId: number
  private readonly epoch: () => number
  private readonly clock: Clock
  private readonly blocks: Block[] = []
  private filling: Promise<void> | null = null
  /** Number of ids left at which the next block is asked for; known from the first block on. */
  private prefetchBelow = 0

  /** @param options.epoch the broker epoch. */
  constructor(options: {
    readonly controller: ControllerClient
    readonly brokerId: number
    readonly epoch: () => number
    readonly clock: Clock
  }) {
    this.controller = options.controller
    this.brokerId = options.brokerId
    this.epoch = options.epoch
    this.clock = options.clock
  }

  /** @throws (rejects) ApiError COORDINATOR_LOAD_IN_PROGRESS while no block can be had. */
  async take(): Promise<number> {
    if (this.blocks.length === 0) await this.untilFilled()
    const [block] = this.blocks
    if (block === undefined) throw new ApiError('COORDINATOR_LOAD_IN_PROGRESS')
    const id = block.next++
    if (block.next === block.end) this.blocks.shift()
    const left = this.blocks.reduce((sum, { next, end }) => sum + end - next, 0)
    if (left <= this.prefetchBelow) void this.fill()
    return id
  }

  private async untilFilled(): Promise<void> {
    const filled = this.fill()
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(waitMs, resolve)
      void filled.then(() => {
        timer.clear()
        resolve()
      })
    })
  }

  /** Asks for a block, unless that is in progress. Never rejects. */
  private fill(): Promise<void> {
    this.filling ??= this.fetchBlock()
      .catch((error: unknown) => {
        if (!(error instanceof ChannelFault || error instanceof ApiError)) throw error
      })
      .finally(() => {
        this.filling = null
      })
    return this.filling
  }

  private async fetchBlock(): Promise<void> {
    const answer = await this.controller.send({
      api: allocateProducerIds,
      version: allocateProducerIds.stableMax,
      body: { brokerId: this.brokerId, brokerEpoch: this.epoch() },
      timeoutMs: requestTimeoutMs,
      errorOf: (response) => response.errorCode,
    })
    if (answer.errorCode !== 0) throw new ApiError(errorName(answer.errorCode))
    const { producerIdStart: next, producerIdLen: length } = answer
    this.prefetchBelow = Math.floor(length * (1 - prefetchAt))
    this.blocks.push({ next, end: next + length })
  }
}
