import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dice } from '../fuzz/mutate.ts'
import { compile, startJava } from '../test/compat/kafka/java.ts'
import { asker, type Running } from '../test/compat/process.ts'
import { type Settings, startBroker, type Target } from '../test/compat/targets.ts'

/** What a dead application left open is aborted soon, and its members are missed soon. */
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
  /** `exactly_once_v2`, or to see the judge find what is wrong `at_least_once`. */
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

/** Once all is running, a kill comes within this time. */
const aliveMsMax = 1_500
/** One time in so many nobody waits until all is running: it dies while it starts. */
const killEarlyOneIn = 4
const earlyMsMax = 4_000
/** One time in so many the application's directory is lost with it: all its stores are restored. */
const loseStateOneIn = 8
/** Patience with a machine that has much else to do. */
const patienceMs = 300_000

/**
 * A Kafka Streams application with `exactly_once_v2` counts, joins and sums up, while it and the broker are killed with
 * SIGKILL by dice, alone and together. What it says must come out as if nothing had happened.
 *
 * @throws Error saying what came out wrong; the directories are kept then.
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

/** Of each program, what it said last, in the file that a failure leaves. */
const saidCharsMax = 4 * 1024 * 1024

/** The application in its JVM, one life after the other. */
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

  /** As a machine that is gone with its disk. */
  loseState(): void {
    rmSync(this.#stateDir, { recursive: true, force: true })
  }

  /** It closes by itself at SIGTERM, its last transaction committed. */
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
