import type { LogLevel } from '../base/logger.ts'
import type { BrokerOptions } from '../server/broker-options.ts'
import type { AddressInfo } from '../server/listening.ts'

/** A message of the command to a node that it runs in a process of its own. */
export type ToNode =
  | { readonly kind: 'start'; readonly options: BrokerOptions; readonly logLevel: LogLevel }
  /** All brokers have started: it is to say when it shows them to clients. */
  | { readonly kind: 'meet'; readonly brokerIds: readonly number[] }
  | { readonly kind: 'stop' }

/** A node that serves. */
export interface StartedNode {
  readonly listeners: readonly AddressInfo[]
  readonly clusterId: string
  readonly dataDirs: readonly string[]
}

/** A message of such a node to the command. */
export type FromNode =
  | ({ readonly kind: 'started' } & StartedNode)
  | { readonly kind: 'met' }
  /** It cannot start; it ends after this. */
  | { readonly kind: 'refused'; readonly why: string }

/** The command line argument of such a node, which nobody but this program gives. */
export const nodeCommand = 'node-of-several'
