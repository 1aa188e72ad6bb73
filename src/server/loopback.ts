import type { LoopbackConnection, LoopbackServer } from '../channel/loopback-carrier.ts'
import { anonymous } from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'
import { newSession } from './session.ts'

/** The part of a dispatcher that answers requests of other nodes of the process. */
interface DecodedDispatch {
  answerDecoded: (
    api: Parameters<LoopbackConnection['answer']>[0],
    request: Parameters<LoopbackConnection['answer']>[2],
    context: RequestContext,
  ) => Promise<object | null>
}

/** Serves a node's requests to other nodes of the process. */
export function loopbackServer(dispatcher: DecodedDispatch, listenerName: string): LoopbackServer {
  return {
    connect: ({ clientId, closed }) => {
      const session = {
        ...newSession({
          id: `loopback-${clientId}`,
          listenerName,
          dialled: null,
          clientHost: '/127.0.0.1',
          clientPort: 0,
          principal: anonymous,
          isAuthenticated: true,
          closed,
          mute: () => {},
        }),
        isSameProcess: true,
      }
      return {
        answer: (api, apiVersion, body) => {
          const of = { request: api.name, apiVersion, correlationId: 0 }
          const context = { ...of, clientId, session, frame: null }
          return dispatcher.answerDecoded(api, body, context)
        },
      }
    },
  }
}
