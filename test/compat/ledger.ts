/** Lines that an error repeats, of the partition and of each member that it is about. */
const keptLinesMax = 12

/** What a member has of a partition, by its own words. */
interface Hold {
  /** None of its commits may be below. */
  floor: number
  /** Whose it was before; null for nobody's. */
  readonly before: number | null
  /** Whether the coordinator may not have heard yet that the member has it. */
  isNews: boolean
  /** Who else had it when a commit was taken, of this member or of the other. */
  rival: { readonly member: number; readonly isNews: boolean; readonly isTaken: boolean } | null
}

/**
 * What the members of one process said, checked as it comes: nobody reads what it does not own, no
 * commit is taken of a member that had been put out when it began it, none goes back.
 *
 * A commit that was taken may be told of long after, when the partition is another's: what counts
 * is whose it was when the member said that it commits.
 *
 * Two members of the next generation may have a partition for a moment; so it is with Apache Kafka
 * 4.4.0, too. A consumer that has taken an assignment over says what it holds; by then it may have
 * been told of a newer one that it has not taken over yet, be it that its listener is at work or
 * that it does not know the name of a topic. The coordinator reads that it holds nothing of what is
 * new, and may give that to others at once, while the consumer takes it. It gives it up when it
 * takes over the next assignment. So a hold is news until the member hears of another assignment;
 * if a commit is taken meanwhile, one of the two must give the partition up by then.
 */
export class Ledger {
  read = 0
  /** Times that a member was told that it had been put out. */
  lost = 0
  /** Commits of what was another's that were refused, as they must be. */
  fenced = 0
  /** What each silent member had when it fell silent, and commits first when it wakes. */
  readonly silent = new Map<number, readonly string[]>()
  readonly #isNextGeneration: boolean
  readonly #holds = new Map<number, Map<string, Hold>>()
  /** Who was given each partition last. */
  readonly #owner = new Map<string, number>()
  /** What was committed last, of each partition. */
  readonly #last = new Map<string, number>()
  /** Member by member, whose each partition was when it began to commit it. */
  readonly #begun = new Map<number, ReadonlyMap<string, number | null>>()
  /** By partition and by member, the last lines about it. */
  readonly #lines = new Map<string | number, string[]>()
  #count = 0

  constructor(isNextGeneration: boolean) {
    this.#isNextGeneration = isNextGeneration
  }

  /** Member by member, what each owns now. */
  get owned(): readonly ReadonlySet<string>[] {
    return [...this.#holds.values()].map((holds) => new Set(holds.keys()))
  }

  ownerOf(partition: string): number | null {
    return this.#owner.get(partition) ?? null
  }

  /**
   * @param line `MEMBER WHAT TOPIC-PARTITION[@OFFSET]...`
   * @returns false for one that is none of these.
   */
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
    // What the coordinator may never have counted on leaves things as they were.
    if (hold?.isNews !== true || this.#owner.get(partition) !== member) return
    if (hold.before === null) this.#owner.delete(partition)
    else this.#owner.set(partition, hold.before)
  }

  /** The member hears of a newer assignment: what it does not give up now is its own. */
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
    // Of two owners either may have been the last; a late word of a former one says nothing new.
    if (isContested) this.#last.set(partition, Math.min(last, offset))
    else if (this.ownerOf(partition) === member) this.#last.set(partition, offset)
    else this.#last.set(partition, Math.max(last, offset))
  }

  /** A commit was taken of what was another's when it began. */
  #contest(member: number, owner: number, what: string): void {
    const { partition } = parse(what)
    const ours = this.#holds.get(member)!.get(partition)
    const theirs = this.#holds.get(owner)?.get(partition)
    const isAwake = !this.silent.has(member)
    if (ours?.isNews && isAwake)
      ours.rival = { member: owner, isNews: theirs?.isNews ?? false, isTaken: true }
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
