/** The number of lines that an error quotes, for the partition and for each member concerned. */
const keptLinesMax = 12

/** The position of a member in a partition, as it reports it. */
interface Hold {
  /** No commit of the member may be lower. */
  floor: number
  /** The owner before; null for none. */
  readonly before: number | null
  /** Whether the coordinator may not know yet that the member owns it. */
  isNews: boolean
  /** The other owner when a commit of one of the two was accepted. */
  rival: { readonly member: number; readonly isNews: boolean; readonly isTaken: boolean } | null
}

/**
 * Checks the reports of the members of one process as they arrive: no member reads a partition that
 * it does not own, no commit of a fenced member is accepted, and no committed offset goes back.
 *
 * A commit may be reported long after it was accepted, when the partition has another owner: the
 * owner at the time at which the member began to commit counts.
 *
 * Two members of the next generation may both own a partition for a moment, as with Apache Kafka
 * 4.4.0. A consumer that has applied an assignment reports it; by then it may have received a newer
 * one that it has not applied yet, because its listener is running or it does not know the name of
 * a topic. The coordinator reads in the report that it owns nothing of the newer one, and may give
 * these partitions to others at once, while the consumer applies it. It gives them up when it
 * applies the next assignment. So ownership is provisional until the member receives another
 * assignment; if a commit is accepted meanwhile, one of the two must have given the partition up by
 * then.
 */
export class Ledger {
  read = 0
  /** Number of times that a member was fenced. */
  lost = 0
  /** Commits for partitions of other owners that were refused, as required. */
  fenced = 0
  /** The partitions of each hanging member, which it commits first when it wakes. */
  readonly silent = new Map<number, readonly string[]>()
  readonly #isNextGeneration: boolean
  readonly #holds = new Map<number, Map<string, Hold>>()
  /** The member that got each partition last. */
  readonly #owner = new Map<string, number>()
  /** The last committed offset of each partition. */
  readonly #last = new Map<string, number>()
  /** For each member, the owner of each partition when the commit began. */
  readonly #begun = new Map<number, ReadonlyMap<string, number | null>>()
  /** The last lines by partition and by member. */
  readonly #lines = new Map<string | number, string[]>()
  #count = 0

  constructor(isNextGeneration: boolean) {
    this.#isNextGeneration = isNextGeneration
  }

  /** The partitions of each member. */
  get owned(): readonly ReadonlySet<string>[] {
    return [...this.#holds.values()].map((holds) => new Set(holds.keys()))
  }

  ownerOf(partition: string): number | null {
    return this.#owner.get(partition) ?? null
  }

  /** @param line `MEMBER WHAT TOPIC-PARTITION[@OFFSET]...` @returns false for any other line. */
  take(line: string): boolean {
    const [who, what, ...rest] = line.split(' ')
    const member = Number(who)
    const said = rest.filter((one) => one !== '')
    this.#note(member, line, said)
    const mine = this.#holds.get(member) ?? new Map<string, Hold>()
    this.#holds.set(member, mine)
    switch (what) {
      case 'assigned':
        this.#confirm(member, new Set())
        this.#assign(member, said)
        return true
      case 'lost':
      case 'revoked':
        if (what === 'lost') this.lost++
        else this.#confirm(member, new Set(said))
        for (const partition of said) this.#giveUp(member, partition, what === 'lost')
        return true
      case 'read':
        this.#read(member, said[0]!)
        return true
      case 'commits':
        this.#begun.set(
          member,
          new Map(said.map((one) => [parse(one).partition, this.#ownerNow(one)])),
        )
        return true
      case 'committed':
        for (const one of said) this.#commit(member, one)
        this.#begun.delete(member)
        this.silent.delete(member)
        return true
      case 'refused':
        for (const owner of this.#begun.get(member)?.values() ?? []) {
          if (owner !== null && owner !== member) this.fenced++
        }
        this.#begun.delete(member)
        this.silent.delete(member)
        return true
      case 'stalls':
        this.silent.set(member, said)
        return true
      case 'left':
        this.#holds.delete(member)
        return true
      default:
        return false
    }
  }

  #ownerNow(what: string): number | null {
    return this.ownerOf(parse(what).partition)
  }

  #assign(member: number, partitions: readonly string[]): void {
    const mine = this.#holds.get(member)!
    for (const partition of partitions) {
      mine.set(partition, {
        floor: this.#last.get(partition) ?? -1,
        before: this.ownerOf(partition),
        isNews: this.#isNextGeneration,
        rival: null,
      })
      this.#owner.set(partition, member)
    }
  }

  #giveUp(member: number, partition: string, isLost: boolean): void {
    const mine = this.#holds.get(member)!
    const hold = mine.get(partition)
    if (isLost && hold?.rival?.isTaken) {
      this.#fail(`${member} was put out, and its commit was taken`, partition, member)
    }
    mine.delete(partition)
    // An ownership that the coordinator may never have known changes nothing.
    if (hold?.isNews !== true || this.#owner.get(partition) !== member) return
    if (hold.before === null) this.#owner.delete(partition)
    else this.#owner.set(partition, hold.before)
  }

  /** The member received a newer assignment: the partitions that it keeps now are its own. */
  #confirm(member: number, revoked: ReadonlySet<string>): void {
    for (const [partition, hold] of this.#holds.get(member)!) {
      if (revoked.has(partition) || !hold.isNews) continue
      hold.isNews = false
      const { rival } = hold
      if (rival === null) continue
      const other = this.#holds.get(rival.member)?.get(partition)
      if (rival.isNews && other === undefined) continue
      if (other?.isNews) other.rival = { member, isNews: false, isTaken: false }
      else this.#fail(`${member} and ${rival.member} both have ${partition}`, partition, member)
    }
  }

  #read(member: number, what: string): void {
    const [partition = '', range = ''] = what.split('@')
    if (!this.#holds.get(member)!.has(partition)) {
      this.#fail(`${member} read ${what}, which it does not own`, partition, member)
    }
    this.read += Number(range.split('+')[1])
  }

  #commit(member: number, what: string): void {
    const { partition, offset } = parse(what)
    const owner = this.#begun.get(member)?.get(partition) ?? null
    const hold = this.#holds.get(member)!.get(partition)
    const isContested = owner !== null && owner !== member
    if (isContested) this.#contest(member, owner, what)
    if (hold !== undefined) {
      if (offset < hold.floor) {
        this.#fail(`${partition} was at ${hold.floor}, now ${offset}`, partition, member)
      }
      hold.floor = offset
    }
    const last = this.#last.get(partition) ?? -1
    // Either of two owners may have been the last; a late report of a former owner changes
    // nothing.
    if (isContested) this.#last.set(partition, Math.min(last, offset))
    else if (this.ownerOf(partition) === member) this.#last.set(partition, offset)
    else this.#last.set(partition, Math.max(last, offset))
  }

  /** A commit was accepted that began when the partition had another owner. */
  #contest(member: number, owner: number, what: string): void {
    const { partition } = parse(what)
    const ours = this.#holds.get(member)!.get(partition)
    const theirs = this.#holds.get(owner)?.get(partition)
    const isAwake = !this.silent.has(member)
    // An owner that has given the partition up since the commit began does not contest it.
    if (ours?.isNews && isAwake)
      ours.rival = { member: owner, isNews: theirs?.isNews ?? true, isTaken: true }
    else if (ours !== undefined && theirs?.isNews && isAwake)
      theirs.rival = { member, isNews: false, isTaken: false }
    else this.#fail(`${member} committed ${what}, which was ${owner}'s`, partition, member)
  }

  #note(member: number, line: string, said: readonly string[]): void {
    const at = (performance.now() / 1000).toFixed(2)
    const noted = `${String(++this.#count).padStart(6)} ${at} s: ${line}`
    for (const key of new Set([member, ...said.map((one) => parse(one).partition)])) {
      const lines = this.#lines.get(key) ?? []
      this.#lines.set(key, lines)
      if (lines.push(noted) > keptLinesMax) lines.shift()
    }
  }

  #fail(what: string, partition: string, member: number): never {
    const others = [this.#begun.get(member)?.get(partition), this.#owner.get(partition)]
    const lines = [partition, member, ...others].flatMap((one) => this.#lines.get(one ?? '') ?? [])
    throw new Error([`${what}. What they said last:`, ...[...new Set(lines)].sort()].join('\n'))
  }
}

function parse(what: string): { readonly partition: string; readonly offset: number } {
  const [partition = '', offset = ''] = what.split('@')
  return { partition, offset: Number(offset) }
}
