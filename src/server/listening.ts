import { hostname } from 'node:os'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { Endpoint } from '../metadata/image.ts'
import { ListenerSettings } from './config/listener-settings.ts'
import { type ListenerPlan, securityProtocolCodes } from './config/listeners.ts'
import type { AnyDispatcher } from './dispatch.ts'
import { Listener } from './listener.ts'
import { type SecurityServices, securityOf } from './open-security.ts'
import { ConnectionQuotas } from './quotas/connection-quotas.ts'
import { ConnectionRates } from './quotas/connection-rates.ts'
import { quotaWindow } from './quotas/quota-gate.ts'
import { RequestTurns } from './request-turns.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

export interface HostPort {
  /** An IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** An open listener: its address on this machine, and its advertised address. */
export interface AddressInfo extends HostPort {
  readonly name: string
  /** The address in Metadata responses; null if each client is sent the host it connected to. */
  readonly advertised: HostPort | null
}

/** Formats an address: `127.0.0.1:9092`, `[::1]:9092`. */
export function addressText({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** An open listener, with its address for the library's user and its endpoint for the cluster. */
export interface OpenListener {
  readonly listener: Listener
  readonly address: AddressInfo
  readonly endpoint: Endpoint
}

/** The parts of a node that its listeners need. */
export interface ListenerServices extends SecurityServices {
  /** Whether a client that reaches this node reaches another one at the same host. */
  readonly sharesProcessWith: (nodeId: number) => boolean
}

/** Limits of a connection for which Kafka has no setting. */
const requestsInFlightMax = 100
const requestBytesMax = 8 * 1024 * 1024
const responseBytesMax = 1024 * 1024

/**
 * Opens the sockets; no request is answered before `serve` is called on them.
 * @throws CannotListen
 */
export function openListeners(
  plans: readonly ListenerPlan[],
  services: ListenerServices,
  dispatcher: AnyDispatcher,
  rooms: SharedRooms,
): Promise<OpenListener[]> {
  const { settings, metadata } = services
  const { pool, clock, logger } = rooms
  const turns = new RequestTurns({
    queuedMax: settings.int('queued.max.requests'),
    bytesMax: settings.int('queued.max.request.bytes'),
    monotonicMs: clock.monotonicMs,
  })
  const rates = new ConnectionRates(quotaWindow(settings, ''), () => metadata.image)
  const connectionQuotas = new ConnectionQuotas(settings, rates, clock)
  return allOrNothing(async (undo) => {
    const opened: OpenListener[] = []
    for (const plan of plans) {
      const security = await securityOf(plan, services, rooms)
      const listener = await Listener.open({
        name: plan.name,
        host: plan.host,
        port: plan.port,
        limits: {
          frameBytesMax: settings.int('socket.request.max.bytes'),
          loginFrameBytesMax: settings.int('sasl.server.max.receive.size'),
          requestsInFlightMax,
          requestBytesMax,
          responseBytesMax,
        },
        connectionsMaxIdleMs: settings.int('connections.max.idle.ms'),
        limit: limitsOf(settings, plan.name),
        connectionQuotas,
        pool,
        turns,
        clock,
        logger,
        ...security,
        dispatcherOf: security.dispatcherOf(dispatcher),
        dialledAt: (host) =>
          isUnadvertised(plan) ? { host, reaches: services.sharesProcessWith } : null,
      })
      undo.push(() => listener.close())
      opened.push({ listener, ...toldOf(plan, listener.port) })
    }
    return opened
  })
}

/** Reads the limits of a listener's connections, which may change at run time. */
function limitsOf(settings: BrokerSettings, listenerName: string) {
  const own = new ListenerSettings(settings, listenerName)
  return (key: string) => Number(own.text(key))
}

function toldOf(plan: ListenerPlan, port: number) {
  const advertised = advertisedOf(plan, port)
  const address = { name: plan.name, host: reachableHost(plan.host), port, advertised }
  const told = advertised ?? { host: hostname(), port }
  const { name, protocol } = plan
  const securityProtocol = securityProtocolCodes[protocol]
  return { address, endpoint: { name, host: told.host, port: told.port, securityProtocol } }
}

/** Hosts that bind all addresses of the machine. */
const wildcards: readonly string[] = ['', '0.0.0.0', '::']

/**
 * Whether all addresses are bound and none is advertised: each client is then sent the host it
 * connected to.
 */
function isUnadvertised({ host, advertised }: ListenerPlan): boolean {
  return advertised === null && wildcards.includes(host)
}

function advertisedOf(plan: ListenerPlan, port: number): HostPort | null {
  const { host, advertised } = plan
  if (isUnadvertised(plan)) return null
  if (advertised === null) return { host, port }
  // As in Kafka, an empty host means the machine's name and port 0 the bound port.
  const told = advertised.host === '' ? hostname() : advertised.host
  return { host: told, port: advertised.port === 0 ? port : advertised.port }
}

/** Returns a host by which local programs reach a bound address. */
function reachableHost(bound: string): string {
  if (bound === '::') return '::1'
  return wildcards.includes(bound) ? '127.0.0.1' : bound
}
