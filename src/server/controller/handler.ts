import type { Api, Fields } from '../../protocol/schema.ts'
import { type Handler, handler } from '../handler.ts'
import type { ControllerServices } from './services.ts'

/** Combines a message with its behaviour on a controller. */
export function controllerHandler<Q extends Fields, R extends Fields>(
  of: Api<Q, R>,
  handle: Handler<Q, R, ControllerServices>['handle'],
  refuse: Handler<Q, R, ControllerServices>['refuse'],
): Handler<Q, R, ControllerServices> {
  return handler(of, handle, refuse)
}
