import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startJava } from './kafka/java.ts'
import { Running } from './process.ts'
import { projectRoot } from './project-root.ts'

export function javaMembers(classes: string, args: readonly string[]): Running {
  const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xss256k']
  return startJava('Members', args, { extra: [classes], jvm })
}

const python = process.env.ODRADEK_PYTHON ?? 'python3'

/** Whether librdkafka can be had, by confluent-kafka for Python. */
export function librdkafkaMissing(): boolean {
  return spawnSync(python, ['-c', 'import confluent_kafka']).status !== 0
}

export function pythonMembers(args: readonly string[]): Running {
  return new Running(python, [join(projectRoot, 'test', 'compat', 'python', 'members.py'), ...args])
}

/**
 * Members of a group in one process (`java/Members.java`, `python/members.py`), and what they said, checked as it
 * comes: nobody reads what it does not own, a fenced member's commits are refused, no commit goes back.
 */
export class Members {
  readonly process: Running
  readonly #owned = new Map<number, Set<string>>()
  readonly #ledger: Ledger
  #at = 0
  read = 0
  lost = 0

  /** @param process of `javaMembers` or `pythonMembers`. */
  constructor(process: Running, ledger: Ledger) {
    this.process = process
    this.#ledger = ledger
  }

  tell(command: string): void {
    this.process.child.stdin?.write(`${command}\n`)
  }

  /** Member by member, what each owns now. */
  get owned(): readonly ReadonlySet<string>[] {
    this.follow()
    return [...this.#owned.values()]
  }

  /** Takes in what they said since. */
  follow(): void {
    const { stdout } = this.process
    const end = stdout.lastIndexOf('\n') + 1
    const fresh = stdout.slice(this.#at, end)
    this.#at = end
    for (const line of fresh.split('\n')) if (line !== '') this.#take(line)
  }

  #take(line: string): void {
    const [who = '', what, ...where] = line.split(' ')
    const member = Number(who)
    const mine = this.#owned.get(member) ?? new Set()
    this.#owned.set(member, mine)
    const partitions = where.filter((one) => one !== '')
    switch (what) {
      case 'assigned':
        for (const partition of partitions) {
          this.#ledger.owner.set(partition, this.#name(member))
          mine.add(partition)
        }
        break
      case 'lost':
        this.lost++
        for (const partition of partitions) mine.delete(partition)
        break
      case 'revoked':
        for (const partition of partitions) mine.delete(partition)
        break
      case 'read': {
        const [partition = '', range = ''] = partitions[0]!.split('@')
        if (!mine.has(partition))
          throw new Error(`member ${who} read what it does not own: ${line}`)
        this.read += Number(range.split('+')[1])
        break
      }
      case 'committed':
        for (const one of partitions) this.#ledger.commit(one, this.#name(member))
        break
      case 'refused':
        break
      case 'left':
        this.#owned.delete(member)
        break
      default:
        throw new Error(`a member failed: ${line}\n${this.process.stderr.slice(-3000)}`)
    }
  }

  #name(member: number): string {
    return `${this.process.pid}/${member}`
  }
}

/** The committed offsets of a group, over all of its processes. */
export class Ledger {
  readonly committed = new Map<string, number>()
  /** Who was given each partition last. */
  readonly owner = new Map<string, string>()

  /** @param what `topic-3@17` */
  commit(what: string, by: string): void {
    const [partition = '', text] = what.split('@')
    const offset = Number(text)
    const owner = this.owner.get(partition)
    // What two processes said is not in order.
    const isHeard = owner?.split('/')[0] === by.split('/')[0]
    if (isHeard && owner !== by) throw new Error(`${by} committed ${what}, which is ${owner}'s`)
    const before = this.committed.get(partition) ?? -1
    if (isHeard && offset < before) throw new Error(`${partition} was at ${before}, now ${offset}`)
    this.committed.set(partition, offset)
  }
}
