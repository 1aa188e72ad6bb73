import { hostname } from 'node:os'
import type { Endpoint } from '../metadata/image.ts'
import { anonymous } from '../security/authorizer.ts'
import { type ListenerPlan, securityProtocolCodes } from './config/listeners.ts'
import { Dispatcher } from './dispatch.ts'
import { servedHandlers } from './handlers/index.ts'
import { Listener } from './listener.ts'
import type { Services } from './services.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

/** An open listener and the address that clients are told. */
export interface AddressInfo {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** A listener that is open, with what the cluster and the library's user are told of it. */
export interface OpenListener {
  readonly listener: Listener
  readonly address: AddressInfo
  readonly endpoint: Endpoint
}

/** Limits of a connection that Kafka has no setting for. */
const requestsInFlightMax = 100
const responseBytesMax = 16 * 1024 * 1024

/**
 * Opens the sockets; nothing is answered before `serve` is called on them.
 * @throws CannotListen
 */
export function openListeners(
  plans: readonly ListenerPlan[],
  services: Services,
  { pool, clock, logger }: SharedRooms,
): Promise<OpenListener[]> {
  const { settings } = services
  const byKey = new Map(servedHandlers(settings).map((one) => [one.api.key, one]))
  return allOrNothing(async (undo) => {
    const opened: OpenListener[] = []
    for (const plan of plans) {
      if (plan.protocol !== 'PLAINTEXT') {
        logger.warn('a listener stays closed: only PLAINTEXT is built so far', {
          listener: plan.name,
          protocol: plan.protocol,
        })
        continue
      }
      const listener = await Listener.open({
        name: plan.name,
        host: plan.host,
        port: plan.port,
        limits: {
          frameBytesMax: settings.int('socket.request.max.bytes'),
          requestsInFlightMax,
          responseBytesMax,
        },
        connectionsMaxIdleMs: settings.int('connections.max.idle.ms'),
        connectionsMax: settings.int('max.connections'),
        gatherMs: settings.int('odradek.gather.ms'),
        pool,
        clock,
        logger,
        dispatcherOf: ({ host, port, localAddress }) =>
          new Dispatcher(byKey, services, {
            clientHost: `/${host}`,
            clientPort: port,
            listenerName: plan.name,
            dialled: isUnadvertised(plan)
              ? { host: localAddress, reaches: services.identity.sharesProcessWith }
              : null,
            principal: anonymous,
          }),
      })
      undo.push(() => listener.close())
      opened.push({ listener, ...toldOf(plan, listener.port) })
    }
    return opened
  })
}

function toldOf(plan: ListenerPlan, port: number) {
  const address = addressOf(plan, port)
  const { name, host } = address
  const endpoint = {
    name,
    host: isUnadvertised(plan) ? hostname() : host,
    port: address.port,
    securityProtocol: securityProtocolCodes[plan.protocol],
  }
  return { address, endpoint }
}

/** All addresses are bound and none is advertised: each client is told the one that it came by. */
function isUnadvertised({ host, advertised }: ListenerPlan): boolean {
  return advertised === null && ['', '0.0.0.0', '::'].includes(host)
}

/** Where this machine's programs reach the broker: what is advertised, else what is bound. */
function addressOf(plan: ListenerPlan, port: number): AddressInfo {
  const { name, host, advertised } = plan
  const told = isUnadvertised(plan) ? 'localhost' : (advertised?.host ?? host)
  const advertisedPort = advertised === null || advertised.port === 0 ? port : advertised.port
  return { name, host: told, port: advertisedPort }
}
