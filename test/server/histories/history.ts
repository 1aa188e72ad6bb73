/** The outcome of a transaction as far as its application knows it. */
export type Outcome = 'open' | 'committed' | 'aborted' | 'unknown'

export interface Transaction {
  readonly application: string
  readonly values: string[]
  /** No read_committed reader may see it before. */
  isCommitSent: boolean
  outcome: Outcome
}

export interface Delivery {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** The values that one reader got, in order. */
export interface View {
  readonly name: string
  readonly isCommitted: boolean
  readonly deliveries: Delivery[]
}

interface Written {
  readonly transaction: Transaction
  readonly partition: number
  /** Counts the values of all applications: a later value is higher. */
  readonly number: number
  /** -1 until it is acknowledged. */
  offset: number
}

/** The values that applications wrote and readers read, and whether they agree. */
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

  /** @returns a unique value. */
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

  /** @throws Error if the value must not be read at this moment. */
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
   * Checks a complete view at the end.
   * @throws Error naming values that are lost, torn, duplicated or out of order.
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
