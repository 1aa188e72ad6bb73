/** Entry point of the library: `import { Broker } from 'odradek'`. */
export type { Logger, LogLevel } from './base/logger.ts'
export { Broker, type BrokerInfo } from './server/broker.ts'
export type { BrokerOptions } from './server/broker-options.ts'
export { BadConfig } from './server/config/static-config.ts'
export { CannotListen } from './server/listener.ts'
export type {
  ClientSettings,
  PasswordMechanism,
  Security,
  SecurityOptions,
} from './server/security-options.ts'
export type { ClientMetrics } from './server/telemetry/client-telemetry.ts'
