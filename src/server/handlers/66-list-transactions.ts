import { RE2JS } from 're2js'
import { ExpressionTooCostly, isQuick } from '../../base/expressions.ts'
import type { ListedTransaction } from '../../coordinator/transaction/commands.ts'
import { isState } from '../../coordinator/transaction/states.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { mayAccess } from '../access.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

/** ListTransactions: filters by state, producer, duration (KIP-994) and id pattern (KIP-1152). */
export const handleListTransactions = handler(
  listTransactions,
  async (request, context, services) => {
    const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
    const pattern = transactionalIdPattern ?? ''
    // An invalid pattern is refused even if there are no transactions.
    const fault = pattern === '' ? null : await services.expressions.faultOf(pattern)
    if (fault !== null) throw new ApiError('INVALID_REGULAR_EXPRESSION', fault)
    const all = await services.transactions.list({
      producerIds: new Set(producerIdFilters),
      states: stateFilters.length === 0 ? null : new Set(stateFilters.filter(isState)),
      durationMs: durationFilter,
    })
    const listed = pattern === '' ? all : await fitting(all, pattern, services)
    return {
      errorCode: errorCode('NONE'),
      unknownStateFilters: [...new Set(stateFilters)].filter((name) => !isState(name)),
      transactionStates: listed.filter(({ transactionalId }) =>
        mayAccess(services, context, 'DESCRIBE', 'transactionalId', transactionalId),
      ),
    }
  },
  (_request, _context, code) => ({
    errorCode: code,
    unknownStateFilters: [],
    transactionStates: [],
  }),
)

/**
 * Returns the transactions whose id matches the pattern; all of them without one.
 * @throws ApiError (rejects) INVALID_REGULAR_EXPRESSION
 */
async function fitting(
  listed: readonly ListedTransaction[],
  pattern: string,
  { expressions, turns }: Services,
): Promise<readonly ListedTransaction[]> {
  if (isQuick(pattern, listed.length)) {
    const compiled = RE2JS.compile(pattern)
    return listed.filter(({ transactionalId }) => compiled.matches(transactionalId))
  }
  try {
    const ids = listed.map(({ transactionalId }) => transactionalId)
    const found = new Set(await expressions.fitting(pattern, ids))
    if (turns.isOver()) await turns.next()
    return listed.filter(({ transactionalId }) => found.has(transactionalId))
  } catch (error) {
    if (!(error instanceof ExpressionTooCostly)) throw error
    throw new ApiError('INVALID_REGULAR_EXPRESSION', error.message)
  }
}
