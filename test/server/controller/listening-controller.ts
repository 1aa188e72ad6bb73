import { BufferPool } from '../../../src/base/buffer-pool.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import type { Carrier } from '../../../src/channel/channel.ts'
import { LoopbackCarrier } from '../../../src/channel/loopback-carrier.ts'
import { NodeDialer } from '../../../src/channel/node-dialer.ts'
import { BrokerSettings } from '../../../src/metadata/config/settings.ts'
import { planListeners } from '../../../src/server/config/listeners.ts'
import { ControllerPart } from '../../../src/server/controller-part.ts'
import { format } from '../../../src/server/format/format.ts'
import { openLogDirs } from '../../../src/server/node-dirs.ts'
import { NodeTransport } from '../../../src/server/node-transport.ts'
import { MemoryDisk } from '../../../src/storage/memory-disk.ts'
import { NodeDisk } from '../../../src/storage/node-disk.ts'
import { TailCacheBudget } from '../../../src/storage/tail-cache.ts'

const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'
const nodeId = 3000

/**
 * Starts a controller, the only voter of a quorum, on a port of 127.0.0.1.
 * @param dataDir in memory by default.
 */
export async function startController(
  own: Readonly<Record<string, string>> = {},
  dataDir: string | null = null,
) {
  const pool = new BufferPool()
  const { monotonicMs, nowMs } = systemClock
  const disk =
    dataDir === null
      ? new MemoryDisk(nowMs)
      : new NodeDisk({ monotonicMs, pool, sendfile: async () => null })
  const rooms = {
    ...{ clock: systemClock, random: systemRandom, logger: silentLogger, disk },
    ...{ turns: endlessTurn, pool, authorizer: null },
    ...{ dialer: new NodeDialer(), transport: new NodeTransport() },
    controllers: new LoopbackCarrier(systemClock),
    brokers: new LoopbackCarrier(systemClock),
    through: (one: Carrier) => one,
    tailCacheBudget: new TailCacheBudget(1 << 20),
  }
  const properties = {
    ...{
      'node.id': String(nodeId),
      'process.roles': 'broker,controller',
      'log.dirs': dataDir ?? '/data',
    },
    ...{ listeners: 'PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0' },
    ...{ 'controller.listener.names': 'CONTROLLER', ...own },
  }
  const settings = new BrokerSettings(new Map(Object.entries(properties)))
  const formatting = { settings, clusterId, voters: 'standalone', releaseVersion: null } as const
  const nothing = { features: new Map(), scram: [], ignoreFormatted: true }
  await format({ ...formatting, ...nothing }, rooms)
  const dirs = await openLogDirs(settings, clusterId, rooms)
  const plans = planListeners(settings).controller
  const part = await ControllerPart.open(settings, plans, dirs, rooms)
  return {
    ...{ nodeId, clusterId, directoryId: dirs[0]!.directoryId, metadata: part.metadata },
    port: part.boundPorts[0]!.port,
    async close() {
      await part.close()
      for (const dir of dirs) await dir.close(0)
    },
  }
}
