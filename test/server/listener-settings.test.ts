import { describe, expect, test } from 'vitest'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { ListenerSettings } from '../../src/server/config/listener-settings.ts'
import { BadConfig } from '../../src/server/config/static-config.ts'

const settingsOf = (values: Record<string, string>) =>
  new ListenerSettings(new BrokerSettings(new Map(Object.entries(values))), 'CLIENTS')

/** Kafka parses every value by its key's type (`ConfigDef.parseType`), also with a prefix. */
describe('settings of a listener', () => {
  test('white space around a value is no part of it', () => {
    const settings = settingsOf({
      'principal.builder.class': ' a.B ',
      'listener.name.clients.ssl.client.auth': ' required',
      'listener.name.clients.plain.sasl.jaas.config': ' x required; ',
    })
    expect(settings.text('principal.builder.class')).toBe('a.B')
    expect(settings.text('ssl.client.auth')).toBe('required')
    expect(settings.textOfMechanism('PLAIN', 'sasl.jaas.config')).toBe('x required;')
  })

  test('the value of the listener wins, that of its mechanism most of all', () => {
    const key = 'connections.max.reauth.ms'
    const settings = settingsOf({
      [key]: '1',
      [`listener.name.clients.${key}`]: ' 2 ',
      [`listener.name.clients.plain.${key}`]: '3',
    })
    expect(settings.text(key)).toBe('2')
    expect(settings.ofMechanism('PLAIN').int(key)).toBe(3)
    expect(settings.ofMechanism('SCRAM-SHA-256').int(key)).toBe(2)
  })

  test.each([
    ['ssl.client.auth', 'perhaps'],
    ['connections.max.reauth.ms', 'soon'],
  ])('%s=%s is refused with the name of the key', (key, value) => {
    const settings = settingsOf({ [`listener.name.clients.${key}`]: value })
    expect(() => settings.text(key)).toThrow(BadConfig)
    expect(() => settings.text(key)).toThrow(key)
  })
})
