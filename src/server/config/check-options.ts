import { logLevels } from '../../base/logger.ts'
import type { BrokerOptions } from '../broker-options.ts'
import type { SecurityOptions } from '../security-options.ts'
import { didYouMean } from './nearest-name.ts'
import { BadConfig } from './static-config.ts'

/** Maximum number of brokers per process; more have no benefit. */
const brokersMax = 32

/** The check of each option of `Broker.start`, with the wording of its error. */
const options: {
  readonly [K in keyof BrokerOptions]-?: readonly [
    isRight: (value: NonNullable<BrokerOptions[K]>) => boolean,
    mustBe: string,
  ]
} = {
  brokers: [(n) => isWhole(n, 1, brokersMax), `a whole number from 1 to ${brokersMax}`],
  port: [(n) => isWhole(n, 0, 65535), 'a whole number from 0 to 65535'],
  host: [(text) => isText(text), 'the name or address of this machine, and not empty'],
  memory: [(value) => typeof value === 'boolean', 'true or false'],
  dataDir: [
    (text) => isText(text) && !text.includes('\0'),
    'the path of a directory, and not empty',
  ],
  properties: [isTable, 'an object of names and values'],
  settings: [isTable, 'an object of names and values'],
  security: [
    isSecurity,
    'SSL, SASL_PLAINTEXT, SASL_SSL, or an object with one of them as its protocol, and perhaps ' +
      'mechanism, users and clientAuth',
  ],
  logger: [
    (logger) =>
      logLevels.every((level) => level === 'silent' || typeof logger?.[level] === 'function'),
    'an object with the functions debug, info, warn and error',
  ],
  onHalt: [(value) => typeof value === 'function', 'a function'],
  clock: [({ nowMs }) => typeof nowMs === 'function', 'a clock'],
  random: [({ bytes }) => typeof bytes === 'function', 'a source of random numbers'],
}

/** @throws BadConfig for an option that does not exist, has a wrong value, or excludes another. */
export function checkOptions(given: BrokerOptions): void {
  // A number or a Map has no own entries, and would silently start a broker with all defaults.
  if (!isTable(given)) throw new BadConfig(`the options must be an object, not ${shown(given)}`)
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const option = Object.hasOwn(options, name) ? options[name as keyof BrokerOptions] : undefined
    if (option === undefined) {
      throw new BadConfig(`unknown option ${name}${didYouMean(name, Object.keys(options))}`)
    }
    const [isRight, mustBe] = option as [(value: unknown) => boolean, string]
    if (value === null || !isRight(value))
      throw new BadConfig(`${name} must be ${mustBe}, not ${shown(value)}`)
  }
  if (given.memory === true && given.dataDir !== undefined) {
    throw new BadConfig('memory and dataDir exclude each other')
  }
  const isListening = [given.properties, given.settings].some((one) => one && 'listeners' in one)
  if (given.security !== undefined && isListening) {
    throw new BadConfig('security and the setting listeners exclude each other')
  }
  checkSecurity(given.security)
}

/** @throws BadConfig for a wish that the protocol cannot fulfil. */
function checkSecurity(security: BrokerOptions['security']): void {
  if (typeof security !== 'object') return
  const { protocol, mechanism, clientAuth = 'none' } = security
  if (protocol === 'SASL_PLAINTEXT' && clientAuth !== 'none') {
    throw new BadConfig('security: clientAuth needs SSL or SASL_SSL')
  }
  if (protocol === 'SSL' && mechanism !== undefined) {
    throw new BadConfig('security: mechanism needs SASL_PLAINTEXT or SASL_SSL')
  }
}

/** The values of the fields of `security`; a test of each user stands for `users`. */
const securityFields: { readonly [K in keyof SecurityOptions]-?: (value: unknown) => boolean } = {
  protocol: isOneOf('SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
  mechanism: isOneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'),
  users: (value) =>
    isTable(value) &&
    Object.keys(value as object).length > 0 &&
    Object.entries(value as object).every((words) => words.every(isLine)),
  clientAuth: isOneOf('none', 'requested', 'required'),
}

function isOneOf(...words: readonly string[]): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && words.includes(value)
}

function isSecurity(value: unknown): boolean {
  if (!isTable(value)) return securityFields.protocol(value)
  const given = value as Readonly<Record<string, unknown>>
  return (
    given.protocol !== undefined &&
    Object.entries(given).every(
      ([name, field]) =>
        field === undefined ||
        (Object.hasOwn(securityFields, name) &&
          securityFields[name as keyof SecurityOptions](field)),
    )
  )
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** Whether a text can stand in a JAAS setting and in a properties file. */
function isLine(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  return isText(value) && !/[\x00-\x1f\x7f]/.test(value as string)
}

/** Whether a value is a plain object, of any realm; not a Map: its entries would be ignored. */
function isTable(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]'
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  // Some objects cannot be converted to a string.
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? Object.prototype.toString.call(value) : String(value)
}
