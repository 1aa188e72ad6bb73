import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startJava } from './kafka/java.ts'
import { Ledger } from './ledger.ts'
import { Running } from './process.ts'
import { projectRoot } from './project-root.ts'

export function javaMembers(classes: string, args: readonly string[]): Running {
  const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xss256k']
  return startJava('Members', args, { extra: [classes], jvm })
}

const python = process.env.ODRADEK_PYTHON ?? 'python3'

/** Whether librdkafka is available, through confluent-kafka for Python. */
export function librdkafkaMissing(): boolean {
  return spawnSync(python, ['-c', 'import confluent_kafka']).status !== 0
}

export function pythonMembers(args: readonly string[]): Running {
  return new Running(python, [join(projectRoot, 'test', 'compat', 'python', 'members.py'), ...args])
}

/**
 * Members of a group in one process (`java/Members.java`, `python/members.py`), and their reports.
 */
export class Members {
  readonly process: Running
  readonly #ledger: Ledger
  #at = 0

  /** @param process of `javaMembers` or `pythonMembers`. */
  constructor(process: Running, o: { readonly isNextGeneration: boolean }) {
    this.process = process
    this.#ledger = new Ledger(o.isNextGeneration)
  }

  tell(command: string): void {
    this.process.child.stdin?.write(`${command}\n`)
  }

  /** The checked reports up to now. */
  get said(): Ledger {
    const { stdout } = this.process
    const end = stdout.lastIndexOf('\n') + 1
    const fresh = stdout.slice(this.#at, end)
    this.#at = end
    for (const line of fresh.split('\n')) {
      if (line === '' || this.#ledger.take(line)) continue
      throw new Error(`a member failed: ${line}\n${this.process.stderr.slice(-3000)}`)
    }
    return this.#ledger
  }
}
