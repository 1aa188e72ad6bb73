import type { SecurityProtocol } from './config/listeners.ts'

/** A mechanism that ready client settings can name. */
export type PasswordMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/**
 * How the listener of a broker in a test is secured; certificates and passwords are made for it.
 */
export interface SecurityOptions {
  readonly protocol: Exclude<SecurityProtocol, 'PLAINTEXT'>
  /**
   * Of `clientSettings` with SASL, default PLAIN. The broker accepts all three, whichever is named.
   */
  readonly mechanism?: PasswordMechanism
  /**
   * Passwords by user name. Default: one user, `client`, with a password that is made. With
   * `clientAuth`, each user has a certificate for `CN=<user>`.
   */
  readonly users?: Readonly<Record<string, string>>
  /** `ssl.client.auth` of SSL and SASL_SSL; default `none`. */
  readonly clientAuth?: 'none' | 'requested' | 'required'
}

export type Security = SecurityOptions['protocol'] | SecurityOptions

/** The union that kafkajs asks for: one type for each mechanism. */
type KafkajsLogin = {
  [M in Lowercase<PasswordMechanism>]: { mechanism: M; username: string; password: string }
}[Lowercase<PasswordMechanism>]

/** Complete settings with which a client reaches a broker and logs in, for each kind of client. */
export interface ClientSettings {
  /** For `new Kafka(…)` of kafkajs. */
  readonly kafkajs: {
    brokers: string[]
    ssl?: { ca: string[]; key?: string; cert?: string }
    sasl?: KafkajsLogin
  }
  /** For librdkafka and the clients built on it; of kcat, each as `-X KEY=VALUE`. */
  readonly librdkafka: Readonly<Record<string, string>>
  /** For Java's clients. */
  readonly java: Readonly<Record<string, string>>
  /** The same as the text of a properties file, for `--command-config` of Kafka's tools. */
  readonly javaProperties: string
}
