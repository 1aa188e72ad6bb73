/** States of a transactional id, with their numbers in the records of `__transaction_state`. */
export const stateIds = {
  Empty: 0,
  Ongoing: 1,
  PrepareCommit: 2,
  PrepareAbort: 3,
  CompleteCommit: 4,
  CompleteAbort: 5,
  Dead: 6,
  PrepareEpochFence: 7,
} as const

export type TransactionState = keyof typeof stateIds

const names = Object.keys(stateIds) as TransactionState[]

/** @returns null for a number that Kafka 4.4.0 does not know. */
export function stateOfId(id: number): TransactionState | null {
  return names.find((name) => stateIds[name] === id) ?? null
}

export function isState(name: string): name is TransactionState {
  return Object.hasOwn(stateIds, name)
}

/** Returns whether the outcome is decided but some partitions still lack their marker. */
export function isPrepared(state: TransactionState): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** Returns whether no transaction is open: a new one may begin, and the id may expire. */
export function isIdle(state: TransactionState): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
}
