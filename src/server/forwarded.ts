import type { Fields } from '../protocol/schema.ts'
import type { ControllerServices } from './controller/services.ts'
import type { AnyHandler, Handler } from './handler.ts'
import { handler } from './handler.ts'

/**
 * Returns a broker's handler of a request that only the controller can answer.
 * @param atController names the message and builds its refusals, which are the same here.
 */
export function forwarded({
  api,
  refuse,
}: Handler<Fields, Fields, ControllerServices>): AnyHandler {
  return handler(api, (_request, context, { forwarder }) => forwarder.forward(api, context), refuse)
}
