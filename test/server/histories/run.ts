import { Dice } from '../../../fuzz/mutate.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { Broker } from '../../../src/server/broker.ts'
import { RawClient } from '../raw-client.ts'
import { Application, type ApplicationOptions } from './application.ts'
import { History } from './history.ts'
import { Reader, type ReaderOptions } from './reader.ts'

/** A planted bug that the checker must find. */
export type Plant = Partial<
  Pick<ReaderOptions, 'ignoresAborted' | 'ignoresStable'> &
    Pick<ApplicationOptions, 'letsEndCome' | 'forgetsSequence'>
>

export interface HistoryResult {
  readonly transactions: number
  readonly committed: number
  readonly aborted: number
  readonly unknown: number
  readonly requests: number
  readonly records: number
  readonly delivered: number
}

const topic = 'histories'
const partitions = 3

/**
 * Runs transactional applications of both versions and readers of both isolation levels on one
 * broker, and compares the views of the readers with the knowledge of the applications.
 * @throws Error naming the difference.
 */
export async function runHistory(
  seed: number,
  transactions: number,
  plant: Plant = {},
): Promise<HistoryResult> {
  const settings = {
    'transaction.state.log.num.partitions': 2,
    'offsets.topic.num.partitions': 1,
  }
  const broker = await Broker.start({ memory: true, port: 0, settings })
  const port = broker.listeners[0]!.port
  const clients: { close(): void }[] = []
  const open = async () => {
    const client = await RawClient.open(port)
    clients.push(client)
    return client
  }
  try {
    const creation = { name: topic, numPartitions: partitions, replicationFactor: 1 }
    await (await open()).request(createTopics, 7, {
      topics: [{ ...creation, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    })
    const dice = new Dice(seed)
    const history = new History()
    const applications = [1, 2, 1, 2].map((version, i) => {
      const name = `application${i}`
      const transactionVersion = version === 1 ? 1 : 2
      const o = { port, topic, partitions, name, transactionVersion, ...plant } as const
      return new Application(o, new Dice(dice.below(2 ** 31)), history)
    })
    clients.push(...applications)
    const readerOf = async (name: string, isCommitted: boolean, partitionMaxBytes: number) => {
      const o = { topic, partitions, partitionMaxBytes, ...plant }
      const view = { name, isCommitted, deliveries: [] }
      return new Reader(await open(), history, view, o)
    }
    let isOver = false
    const early = [
      await readerOf('read_committed', true, 1 << 16),
      await readerOf('read_committed, little by little', true, 150 + dice.below(300)),
      await readerOf('read_uncommitted', false, 1 << 16),
    ]
    const reading = Promise.all(early.map((reader) => reader.run(() => isOver)))
    const writing = Promise.all(applications.map((each) => each.run(transactions)))
    // The first failure is the cause; others follow from closed connections.
    writing.catch(() => {})
    reading.catch(() => {})
    await Promise.race([writing, reading])
    isOver = true
    await reading
    const late = await readerOf('read_committed, when all is over', true, 1 << 16)
    await late.run(() => true)
    for (const { view } of [...early, late]) history.check(view)
    return resultOf(history, applications, [...early, late])
  } finally {
    for (const client of clients) client.close()
    await broker.stop()
  }
}

function resultOf(
  history: History,
  applications: readonly Application[],
  readers: readonly Reader[],
): HistoryResult {
  const count = (outcome: string) =>
    history.transactions.filter((each) => each.outcome === outcome).length
  return {
    transactions: history.transactions.length,
    committed: count('committed'),
    aborted: count('aborted'),
    unknown: count('unknown'),
    requests: applications.reduce((sum, each) => sum + each.requests, 0),
    records: history.transactions.reduce((sum, each) => sum + each.values.length, 0),
    delivered: readers.reduce((sum, { view }) => sum + view.deliveries.length, 0),
  }
}
