import { RE2JS, RE2JSSyntaxException } from 're2js'
import { isState } from '../../coordinator/transaction/states.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** ListTransactions: by state, producer, duration (KIP-994) and a pattern of their ids (KIP-1152). */
export const handleListTransactions = handler(
  listTransactions,
  async (request, context, services) => {
    const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
    const matches = matcher(transactionalIdPattern)
    const listed = await services.transactions.list({
      producerIds: new Set(producerIdFilters),
      states: stateFilters.length === 0 ? null : new Set(stateFilters.filter(isState)),
      durationMs: durationFilter,
      matches,
    })
    return {
      throttleTimeMs: 0,
      errorCode: errorCode('NONE'),
      unknownStateFilters: [...new Set(stateFilters)].filter((name) => !isState(name)),
      transactionStates: listed.filter(({ transactionalId }) =>
        mayAccess(services, context, 'DESCRIBE', 'transactionalId', transactionalId),
      ),
    }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    unknownStateFilters: [],
    transactionStates: [],
  }),
)

/** @throws Refusal INVALID_REGULAR_EXPRESSION */
function matcher(pattern: string | null): (transactionalId: string) => boolean {
  if (pattern === null || pattern === '') return () => true
  try {
    const compiled = RE2JS.compile(pattern)
    return (transactionalId) => compiled.matches(transactionalId)
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    throw new Refusal('INVALID_REGULAR_EXPRESSION', error.message)
  }
}
