import type { AnyHandler } from '../handler.ts'
import type { ControllerServices } from './services.ts'

/**
 * Returns a handler whose answer, if it has changed the metadata, waits until the brokers that
 * follow have the change, for a second at most: a client that gets the answer "created" finds the
 * topic at every broker. Kafka's answer does not wait.
 */
export function answeredInStep(
  handler: AnyHandler<ControllerServices>,
): AnyHandler<ControllerServices> {
  return {
    ...handler,
    handle: async (request, context, services) => {
      const { partition } = services
      const before = partition.nextOffset
      const answer = await handler.handle(request, context, services)
      const after = partition.nextOffset
      if (after > before) await partition.leader.observersReached(after)
      return answer
    },
  }
}
