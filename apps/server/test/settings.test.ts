import { isMillraceError, type MillraceError } from '@millrace/kernel'
import { defineApp, portOf, resolveSettings } from '@millrace/server'
import { describe, expect, test } from 'vitest'

const definition = { name: 'greenhouse' }

function failure(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('expected an error')
}

describe('settings', () => {
  test('an application that sets nothing listens on loopback and lets no anonymous device in', () => {
    const settings = resolveSettings(definition)
    expect(settings.http).toEqual({ host: '127.0.0.1', port: 7300 })
    expect(settings.devices.mqtt).toMatchObject({ host: '127.0.0.1', port: 1883, allowAnonymous: false })
  })

  test('the bus is in the data directory unless a NATS server is named', () => {
    expect(resolveSettings(definition).bus).toEqual({ prefix: 'millrace', replicas: 1, sync: 'unknown' })
    const environment = { MILLRACE_BUS: 'nats://a:4222,nats://b:4222', MILLRACE_BUS_SYNC: 'always' }
    const named = resolveSettings(definition, { busPrefix: 'greenhouse' }, environment)
    expect(named.bus).toMatchObject({ url: environment.MILLRACE_BUS, sync: 'always', prefix: 'greenhouse' })
  })

  test.each([
    [{ busUrl: 'kafka://a:9092' }, 'bus.url'],
    [{ busUrl: 'nats://' }, 'bus.url'],
    [{ busPrefix: 'a.b' }, 'bus.prefix'],
    [{ busSync: 'sometimes' }, 'bus.sync'],
    [{ busMonitorUrl: 'localhost' }, 'bus.monitorUrl'],
    [{ storeUrl: 'mysql://a/b' }, 'store.url'],
    [{ storeUrl: 'postgres://a:5432' }, 'store.url'],
    [{ storeSchema: 'a-b' }, 'store.schema'],
    [{ storeMigrate: 'yes' }, 'store.migrate'],
  ])('%o is refused under its path', (overrides, path) => {
    expect(failure(() => resolveSettings(definition, overrides)).parameters).toMatchObject({ path })
  })

  test('documents are in the data directory unless a PostgreSQL server is named', () => {
    expect(resolveSettings(definition).store).toEqual({
      schema: 'millrace',
      readConnectionsMax: 8,
      commitConnectionsMax: 2,
      isPooled: false,
      migrate: 'additive',
    })
    const environment = { MILLRACE_STORE: 'postgres://me@a:5432/greenhouse?sslmode=require' }
    expect(resolveSettings(definition, { storeMigrate: 'check' }, environment).store).toMatchObject({
      url: environment.MILLRACE_STORE,
      migrate: 'check',
    })
  })

  test('the password in an address that is refused is not shown', () => {
    const { message } = failure(() =>
      resolveSettings(definition, { storeUrl: 'postgres://me:hidden@a:5432' }),
    )
    expect(message).toContain('postgres://…@a:5432')
    expect(message).not.toContain('hidden')
  })

  test('the command line wins over the environment, and the environment over the application file', () => {
    const file = { ...definition, http: { port: 1 }, devices: { mqtt: { port: 2, host: '127.0.0.2' } } }
    const environment = { MILLRACE_HTTP_PORT: '11', MILLRACE_MQTT_PORT: '12' }
    const settings = resolveSettings(file, { httpPort: 21 }, environment)
    expect(settings.http.port).toBe(21)
    expect(settings.devices.mqtt).toMatchObject({ port: 12, host: '127.0.0.2' })
  })

  test.each([
    ['devices.mqtt.port', { ...definition, devices: { mqtt: { port: 70_000 } } }, '70000', '65535'],
    ['http.port', { ...definition, http: { port: 'eighty' as unknown as number } }, '"eighty"', 'number'],
    ['name', { name: 'Green House' }, '"Green House"', 'a-z'],
    [
      'devices.mqtt.packetBytesMax',
      { ...definition, devices: { mqtt: { packetBytesMax: 2 } } },
      '2',
      '>=128',
    ],
    ['retention.ageMsMax', { ...definition, retention: { ageMsMax: -1 } }, '-1', '>=60000'],
  ])(
    'a wrong %s is named by its path, with the value seen and what is allowed',
    (path, wrong, seen, expected) => {
      const error = failure(() => resolveSettings(wrong))
      expect(error.code).toBe('CONFIGURATION_INVALID')
      expect(error.seen).toBe(`The setting ${path} is ${seen}`)
      expect(error.expected).toContain(expected)
    },
  )

  test('a misspelt setting is refused by its path, not ignored', () => {
    const wrong = { ...definition, devices: { mqtt: { prot: 1883 } } } as unknown as typeof definition
    const error = failure(() => resolveSettings(wrong))
    expect(error.seen).toBe('The setting devices.mqtt.prot is 1883')
  })

  test('a port in the environment that is no port is named by its variable', () => {
    const error = failure(() => resolveSettings(definition, {}, { MILLRACE_MQTT_PORT: 'x' }))
    expect(error.seen).toContain('MILLRACE_MQTT_PORT')
    expect(failure(() => portOf('--http-port', '')).seen).toContain('--http-port')
  })

  test('defineApp keeps the definition as it is', () => {
    expect(defineApp(definition)).toEqual({ kind: 'app', definition })
  })
})
