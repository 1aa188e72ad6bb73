/** What an application knows of how its transaction ended. */
export type Outcome = 'open' | 'committed' | 'aborted' | 'unknown'

export interface Transaction {
  readonly application: string
  readonly values: string[]
  /** Before this nobody may read it with read_committed. */
  isCommitSent: boolean
  outcome: Outcome
}

export interface Delivery {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** One reader's view: everything it was given, in the order in which it was. */
export interface View {
  readonly name: string
  readonly isCommitted: boolean
  readonly deliveries: Delivery[]
}

interface Written {
  readonly transaction: Transaction
  readonly partition: number
  /** Counts the values of all applications: what an application writes later has a higher one. */
  readonly number: number
  /** -1 as long as it is not acknowledged. */
  offset: number
}

/** What applications wrote and readers read, and whether the two agree. */
export class History {
  readonly transactions: Transaction[] = []
  readonly #written = new Map<string, Written>()

  begin(application: string): Transaction {
    const transaction: Transaction = {
      application,
      values: [],
      isCommitSent: false,
      outcome: 'open',
    }
    this.transactions.push(transaction)
    return transaction
  }

  /** @returns a value that nothing else has. */
  write(transaction: Transaction, partition: number): string {
    const number = this.#written.size
    const value = `${transaction.application} ${number}`
    this.#written.set(value, { transaction, partition, number, offset: -1 })
    transaction.values.push(value)
    return value
  }

  acknowledge(value: string, offset: number): void {
    this.#written.get(value)!.offset = offset
  }

  /** @throws Error when this must not be read, by what is known at this moment. */
  deliver(view: View, delivery: Delivery): void {
    const written = this.#written.get(delivery.value)
    const what = `${view.name} reads ${delivery.value} at ${delivery.partition}:${delivery.offset}`
    if (written === undefined) throw new Error(`${what}, which nobody wrote`)
    if (written.partition !== delivery.partition) throw new Error(`${what}, another partition`)
    const { transaction, offset } = written
    if (offset >= 0 && offset !== delivery.offset) throw new Error(`${what}, told was ${offset}`)
    if (view.isCommitted) {
      if (transaction.outcome === 'aborted') throw new Error(`${what}, which is aborted`)
      if (!transaction.isCommitSent) throw new Error(`${what}, which is not yet committed`)
    }
    view.deliveries.push(delivery)
  }

  /**
   * Once all is over, and the view reaches from the beginning to the end.
   *
   * @throws Error saying what is lost, torn, there twice or out of order.
   */
  check(view: View): void {
    const seen = new Set<string>()
    const last = new Map<string, { number: number; offset: number }>()
    for (const { partition, offset, value } of view.deliveries) {
      const what = `${view.name}: ${value} at ${partition}:${offset}`
      if (seen.has(value)) throw new Error(`${what} is there twice`)
      seen.add(value)
      const { number, transaction } = this.#written.get(value)!
      for (const row of [`${partition}`, `${partition} of ${transaction.application}`]) {
        const before = last.get(row)
        const isOfOne = row !== `${partition}`
        if (before !== undefined && before.offset >= offset) throw new Error(`${what} goes back`)
        if (isOfOne && before !== undefined && before.number > number) {
          throw new Error(`${what} is out of order`)
        }
        last.set(row, { number, offset })
      }
    }
    for (const transaction of this.transactions) this.#checkWhole(view, transaction, seen)
  }

  #checkWhole(view: View, transaction: Transaction, seen: ReadonlySet<string>): void {
    const there = transaction.values.filter((value) => seen.has(value))
    const isWhole = there.length === transaction.values.length
    const what = `${view.name}: ${there.length} of ${transaction.values.length} values of a transaction (${transaction.values})`
    if (!view.isCommitted) {
      const lost = transaction.values.find((value) => {
        return this.#written.get(value)!.offset >= 0 && !seen.has(value)
      })
      if (lost !== undefined) throw new Error(`${view.name}: ${lost} was acknowledged and is lost`)
    } else if (transaction.outcome === 'committed' && !isWhole) {
      throw new Error(`${what} that was committed`)
    } else if (transaction.outcome === 'aborted' && there.length > 0) {
      throw new Error(`${what} that was aborted`)
    } else if (there.length > 0 && !isWhole) {
      throw new Error(`${what}: it is torn`)
    }
  }
}
