import { BufferPool } from '../../src/base/buffer-pool.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import type { Carrier } from '../../src/channel/channel.ts'
import { LoopbackCarrier } from '../../src/channel/loopback-carrier.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { ControllerPart } from '../../src/server/controller-part.ts'
import { openLogDirs } from '../../src/server/node-dirs.ts'
import { NodeTransport } from '../../src/server/node-transport.ts'
import type { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import type { SteppedClock } from '../coordinator/group/stepped-clock.ts'

/** Opens the controller of a node whose files are in memory. */
export async function openController(
  disk: MemoryDisk,
  clock: SteppedClock,
  own: Record<string, string> = {},
) {
  const rooms = {
    ...{ clock, random: systemRandom, logger: silentLogger, disk },
    ...{
      pool: new BufferPool(),
      turns: endlessTurn,
      tailCacheBudget: new TailCacheBudget(1 << 20),
      controllers: new LoopbackCarrier(clock),
      brokers: new LoopbackCarrier(clock),
      dialer: new NodeDialer(),
      through: (one: Carrier) => one,
      transport: new NodeTransport(),
      authorizer: null,
    },
  }
  const settings = new BrokerSettings(
    new Map(Object.entries({ 'node.id': '1', 'log.dirs': '/data', ...own })),
  )
  const dirs = await openLogDirs(settings, null, rooms)
  const part = await ControllerPart.open(settings, [], dirs, rooms)
  return {
    metadata: part.metadata,
    async close() {
      await part.close()
      for (const one of dirs) await one.close(0)
    },
  }
}
