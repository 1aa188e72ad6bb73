import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dice } from '../fuzz/mutate.ts'
import { compile, startJava } from '../test/compat/kafka/java.ts'
import { asker, type Running } from '../test/compat/process.ts'
import { type Settings, startBroker, type Target } from '../test/compat/targets.ts'

/**
 * Settings for a quick abort of a dead application's transactions and a quick removal of its
 * members.
 */
const settings: Settings = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.num.partitions': 3,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
}

export interface EosOptions {
  readonly kills: number
  readonly seed: number
  /** `exactly_once_v2`, or `at_least_once` to prove that the judge finds errors. */
  readonly guarantee?: string
  readonly say: (line: string) => void
}

export interface EosResult {
  readonly killsOfBroker: number
  readonly killsOfApp: number
  readonly restores: number
  readonly sent: number
  readonly counts: number
  readonly joins: number
  readonly totals: number
}

/** Once everything is running, a kill comes within this time (ms). */
const aliveMsMax = 1_500
/** Once in this many times the kill comes during the start. */
const killEarlyOneIn = 4
const earlyMsMax = 4_000
/**
 * Once in this many times the application also loses its directory: all its stores are restored.
 */
const loseStateOneIn = 8
/** Timeout in ms, long enough for a machine with other load. */
const patienceMs = 300_000

/**
 * Runs a Kafka Streams application with `exactly_once_v2` that counts, joins and sums up, while the
 * broker and the application are killed at random with SIGKILL, alone and together. The output must
 * be the same as without kills.
 *
 * @throws Error naming what is wrong in the output; the directories are kept then.
 */
export async function eosLoop(o: EosOptions): Promise<EosResult> {
  const folder = mkdtempSync(join(tmpdir(), 'eos-'))
  const broker = await startBroker({
    dataDir: mkdtempSync(join(folder, 'data-')),
    settings,
    timeoutMs: patienceMs,
  })
  const classes = await compile()
  const load = startJava('StreamsLoad', [broker.bootstrap, String(o.seed)], {
    ...{ classes: 'streams', extra: [classes] },
    jvm: ['-Xmx512m', '-XX:+UseSerialGC'],
  })
  const guarantee = o.guarantee ?? 'exactly_once_v2'
  const app = new App(broker.bootstrap, join(folder, 'state'), classes, guarantee)
  try {
    await load.until(/^ready$/m, patienceMs)
    app.start()
    const ask: Ask = asker(load, patienceMs)
    await ask('progress')
    const killed = await killAll(o, { broker, app, ask })
    await ask('complete')
    await app.stop()
    const [sent = 0, counts = 0, joins = 0, totals = 0] = await ask('verify')
    await broker.stop()
    rmSync(folder, { recursive: true, force: true })
    return { ...killed, sent, counts, joins, totals }
  } catch (error) {
    const saved = join(folder, 'said')
    const all = [broker.describe(saidCharsMax), load.describe(saidCharsMax), app.describe()]
    writeFileSync(saved, all.join('\n'))
    const why = `${(error as Error).message}; see ${saved}`
    throw new Error(`seed ${o.seed}: ${why}`, { cause: error })
  } finally {
    await load.kill('SIGKILL')
    await app.kill9()
    await broker.kill9()
  }
}

/** Characters of each program's last output to keep in the file that a failure leaves. */
const saidCharsMax = 4 * 1024 * 1024

/** The application in its JVM, restarted after each end. */
class App {
  readonly #bootstrap: string
  readonly #stateDir: string
  readonly #classes: string
  readonly #guarantee: string
  readonly #lives: Running[] = []

  constructor(bootstrap: string, stateDir: string, classes: string, guarantee: string) {
    this.#bootstrap = bootstrap
    this.#stateDir = stateDir
    this.#classes = classes
    this.#guarantee = guarantee
  }

  start(): void {
    const args = [this.#bootstrap, this.#stateDir, this.#guarantee]
    this.#lives.push(startJava('StreamsApp', args, { classes: 'streams', extra: [this.#classes] }))
  }

  async kill9(): Promise<void> {
    await this.#lives.at(-1)?.kill('SIGKILL')
  }

  /** Deletes the state directory, as if the machine were lost with its disk. */
  loseState(): void {
    rmSync(this.#stateDir, { recursive: true, force: true })
  }

  /** Stops the application by SIGTERM: it commits its last transaction and exits. */
  async stop(): Promise<void> {
    await this.#lives.at(-1)?.kill('SIGTERM', patienceMs)
  }

  get threadsDied(): number {
    return this.#lives.reduce((sum, life) => sum + life.stdout.split('thread died').length - 1, 0)
  }

  describe(): string {
    return this.#lives.map((life) => life.describe(saidCharsMax)).join('\n')
  }
}

type Ask = (what: 'progress' | 'complete' | 'verify') => Promise<number[]>

interface Party {
  readonly broker: Target
  readonly app: App
  readonly ask: Ask
}

async function killAll(o: EosOptions, { broker, app, ask }: Party) {
  const dice = new Dice(o.seed)
  let killsOfBroker = 0
  let killsOfApp = 0
  let restores = 0
  for (let round = 1; killsOfBroker + killsOfApp < o.kills; round++) {
    const what = dice.oneOf(['app', 'broker', 'both'] as const)
    await pause(dice.below(aliveMsMax))
    const killBroker = async () => {
      await broker.kill9()
      killsOfBroker++
    }
    const killApp = async () => {
      await app.kill9()
      killsOfApp++
      if (dice.below(loseStateOneIn) !== 0) return
      app.loseState()
      restores++
    }
    if (what === 'app') await killApp()
    else await killBroker()
    if (what === 'both') await killApp()
    if (what !== 'app') await broker.start()
    if (what !== 'broker') app.start()
    if (dice.below(killEarlyOneIn) === 0) {
      await pause(dice.below(earlyMsMax))
      continue
    }
    const [sent, counts, joins, totals] = await ask('progress')
    const so = `${killsOfBroker} kills of the broker, ${killsOfApp} of the application`
    const read = `${sent} records sent, ${counts} counts, ${joins} joins, ${totals} totals read`
    o.say(`round ${round} (${what}): ${so}; ${read}; ${app.threadsDied} threads replaced`)
  }
  return { killsOfBroker, killsOfApp, restores }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
