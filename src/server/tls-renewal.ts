import { createSecureContext } from 'node:tls'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { renewalFault } from '../security/tls/renewed-store.ts'
import { trialHandshake } from '../security/tls/trial-handshake.ts'
import { ListenerSettings } from './config/listener-settings.ts'
import { BadConfig } from './config/static-config.ts'
import {
  contextOf,
  namedText,
  readStores,
  type TlsSettings,
  type TlsStores,
  writtenText,
} from './config/tls-settings.ts'
import { BadStore } from './config/tls-stores.ts'
import type { TlsDialer } from './tls-dialer.ts'
import type { TlsTransport } from './tls-transport.ts'

export interface TlsListener {
  readonly name: string
  readonly transport: TlsTransport
  /** Whether brokers use it, too: its key must be trusted by its own trust store. */
  readonly isInterBroker: boolean
}

/** Connections of this node to a listener of other nodes. */
export interface TlsConnector {
  /** The name of the listener, whose settings apply. */
  readonly name: string
  readonly dialer: TlsDialer
}

const configException = 'org.apache.kafka.common.config.ConfigException'
const keystoreKey = 'ssl.keystore.location'
const truststoreKey = 'ssl.truststore.location'

/** The keys and certificates of a broker's listeners and connections, without a restart. */
export class TlsRenewal {
  private readonly listeners: TlsListener[] = []
  private readonly connectors: TlsConnector[] = []
  private readonly logger: Logger

  constructor(logger: Logger) {
    this.logger = logger
  }

  /** @throws (rejects) BadConfig if brokers could not reach each other by this listener. */
  async add(listener: TlsListener): Promise<void> {
    this.listeners.push(listener)
    const side = sideOf(listener.transport.settings)
    if (!listener.isInterBroker) return
    try {
      await trialHandshake(side, side, listener.transport.settings.clientAuth !== 'none')
    } catch (error) {
      throw new BadConfig(
        `${truststoreKey}: a client with these settings cannot connect to the inter-broker listener ${listener.name} (${messageOf(error)})`,
      )
    }
  }

  addDialer(connector: TlsConnector): void {
    this.connectors.push(connector)
  }

  /**
   * Checks that the listeners could go on with these settings. As in Kafka, a file that has changed
   * is not looked at as long as its settings have not.
   * @throws (rejects) BadConfig with Kafka's message.
   */
  async check(settings: BrokerSettings): Promise<void> {
    for (const listener of this.listeners) {
      const { name, transport } = listener
      await checkOne(settings, name, transport, (own) => readRenewed(listener, own))
    }
    for (const { name, dialer } of this.connectors) {
      await checkOne(settings, name, dialer, readStores)
    }
  }

  /** Takes over the settings, and files that were written anew. A bad store changes nothing. */
  async renew(settings: BrokerSettings): Promise<void> {
    for (const listener of this.listeners) {
      const { name, transport } = listener
      await this.renewOne('a listener', settings, name, transport, (own) =>
        readRenewed(listener, own),
      )
    }
    for (const { name, dialer } of this.connectors) {
      await this.renewOne('what connects to a listener', settings, name, dialer, readStores)
    }
  }

  private async renewOne(
    what: string,
    settings: BrokerSettings,
    name: string,
    holder: TlsTransport | TlsDialer,
    read: (own: ListenerSettings) => Promise<TlsStores>,
  ): Promise<void> {
    const own = new ListenerSettings(settings, name)
    const { named, written } = holder.settings.stores
    if (namedText(own) === named && writtenText(own) === written) return
    try {
      holder.renew(await read(own))
      this.logger.info(`${what} has new keys and certificates`, { listener: name })
    } catch (error) {
      this.logger.error(`${what} keeps its keys and certificates: the new ones are bad`, {
        listener: name,
        reason: messageOf(error),
      })
    }
  }
}

/** @throws BadConfig with Kafka's message. */
async function checkOne(
  settings: BrokerSettings,
  name: string,
  { settings: { stores } }: TlsTransport | TlsDialer,
  read: (own: ListenerSettings) => Promise<TlsStores>,
): Promise<void> {
  const own = new ListenerSettings(settings, name)
  if (namedText(own) === stores.named) return
  try {
    await read(own)
  } catch (error) {
    if (!(error instanceof BadStore)) throw error
    throw new BadConfig(
      `Validation of dynamic config update of SSLFactory failed: ${error.exception}`,
    )
  }
}

/** Reads what a listener would be given. @throws BadStore, BadConfig */
async function readRenewed(
  { transport, isInterBroker }: TlsListener,
  settings: ListenerSettings,
): Promise<TlsStores> {
  const before = transport.settings
  const stores = await readStores(settings)
  const after = { ...before, stores }
  checkRenewed(before, after)
  if (isInterBroker) await checkMutualTrust(before, after)
  return stores
}

function checkRenewed(before: TlsSettings, after: TlsSettings): void {
  const { own, trusted } = after.stores
  if (own === null) {
    throw new BadStore(
      keystoreKey,
      `${configException}: Cannot remove the SSL keystore from an existing listener for which a keystore was configured.`,
    )
  }
  const fault = inKafkasException(() =>
    renewalFault(before.stores.own!.entries, own.entries, before.allowed),
  )
  if (fault !== null) throw new BadStore(keystoreKey, `${configException}: ${fault}`)
  if (before.stores.trusted === null && trusted !== null) {
    throw new BadStore(
      truststoreKey,
      `${configException}: Cannot add SSL truststore to an existing listener for which no truststore was configured.`,
    )
  }
  if (own.key === null) throw new BadConfig(`${keystoreKey}: the keystore has no private key`)
  inKafkasException(() => createSecureContext(contextOf(after)))
}

function inKafkasException<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw new BadStore(keystoreKey, `org.apache.kafka.common.KafkaException: ${messageOf(error)}`)
  }
}

/** Brokers with the old and the new stores must reach each other while they are exchanged. */
async function checkMutualTrust(before: TlsSettings, after: TlsSettings): Promise<void> {
  try {
    const [old, renewed] = [sideOf(before), sideOf(after)]
    const asksClient = before.clientAuth !== 'none'
    await trialHandshake(old, renewed, asksClient)
    await trialHandshake(renewed, old, asksClient)
  } catch (error) {
    throw new BadStore(
      keystoreKey,
      'javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target',
      messageOf(error),
    )
  }
}

const sideOf = (tls: TlsSettings) => ({
  context: contextOf(tls),
  chain: tls.stores.own!.chain,
  trusted: tls.stores.trusted,
})
