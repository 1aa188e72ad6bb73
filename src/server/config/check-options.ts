import { logLevels } from '../../base/logger.ts'
import type { BrokerOptions } from '../broker-options.ts'
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
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
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
