import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/base/clock.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { handleControllerFetch } from '../../../src/server/controller/handlers/01-fetch.ts'
import { handleVote } from '../../../src/server/controller/handlers/52-vote.ts'
import { handleBeginQuorumEpoch } from '../../../src/server/controller/handlers/53-begin-quorum-epoch.ts'
import { handleEndQuorumEpoch } from '../../../src/server/controller/handlers/54-end-quorum-epoch.ts'
import { handleDescribeQuorum } from '../../../src/server/controller/handlers/55-describe-quorum.ts'
import { handleFetchSnapshot } from '../../../src/server/controller/handlers/59-fetch-snapshot.ts'
import { handleUpdateRaftVoter } from '../../../src/server/controller/handlers/82-update-raft-voter.ts'
import { holdController } from '../../server/controller/held-controller.ts'
import { freePort } from '../free-port.ts'
import { getKafka } from '../kafka/jars.ts'
import { startJava } from '../kafka/java.ts'
import { Line } from '../wire/peer.ts'

/** One of the two controllers that are compared. */
export interface ControllerSide {
  readonly name: string
  readonly nodeId: number
  readonly clusterId: string
  readonly directoryId: string
  ask(api: AnyApi, version: number, body: object): Promise<any>
  close(): Promise<void>
}

export type ControllerSettings = Readonly<Record<string, string>>

const nodeId = 3000
const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'

/** Idle records would move the log between a question and its answer. */
const quiet = { 'metadata.max.idle.interval.ms': '0' }

/** Starts an Apache Kafka controller, the only voter of a new quorum. */
export async function startKafkaController(settings: ControllerSettings): Promise<ControllerSide> {
  await getKafka()
  const dir = mkdtempSync(join(tmpdir(), 'kafka-controller-'))
  const port = await freePort()
  const file = join(dir, 'server.properties')
  const at = `127.0.0.1:${port}`
  const properties = {
    ...{ 'process.roles': 'controller', 'node.id': nodeId, 'log.dirs': join(dir, 'data') },
    ...{ listeners: `CONTROLLER://${at}`, 'advertised.listeners': `CONTROLLER://${at}` },
    ...{ 'controller.listener.names': 'CONTROLLER', 'controller.quorum.bootstrap.servers': at },
    ...quiet,
    ...settings,
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  const args = ['format', '-t', clusterId, '-c', file, '--standalone']
  const formatted = startJava('kafka.tools.StorageTool', args, { classes: 'server' })
  const { code } = await formatted.end(60_000)
  if (code !== 0) throw new Error(`kafka-storage format: ${formatted.describe()}`)
  const program = startJava('kafka.Kafka', [file], { classes: 'server' })
  await program.until(/Kafka Server started/, 60_000)
  const meta = readFileSync(join(dir, 'data', 'meta.properties'), 'utf8')
  const line = new Line(port, 15_000)
  return {
    ...{ name: 'kafka', nodeId, clusterId },
    directoryId: /directory\.id=(.*)/.exec(meta)![1]!,
    ask: (api, version, body) => line.ask(api, version, body),
    async close() {
      line.close()
      await program.kill('SIGKILL')
      rmSync(dir, { recursive: true })
    },
  }
}

const handlers = new Map(
  [
    ...[handleControllerFetch, handleVote, handleBeginQuorumEpoch, handleEndQuorumEpoch],
    ...[handleDescribeQuorum, handleFetchSnapshot, handleUpdateRaftVoter],
  ].map((one) => [one.api.key, one as never]),
)

/** Opens odradek's controller. */
export async function startOdradekController(
  settings: ControllerSettings,
): Promise<ControllerSide> {
  const held = await holdController({ clock: systemClock, settings: { ...quiet, ...settings } })
  const { directoryId } = held
  return {
    ...{ name: 'odradek', nodeId, clusterId, directoryId },
    ask: (api, version, body) => held.ask(handlers.get(api.key)!, version, body),
    close: () => held.close(),
  }
}
