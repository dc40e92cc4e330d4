import { millraceError } from '@millrace/kernel'
import * as z from 'zod'
import type { AppDefinition } from './app-definition.ts'

const port = z.int().min(0).max(65_535)
/** Each with credentials before an "@" if there are any. */
const BUS_URL = /^(nats|tls):\/\/[^\s,/]+(,(nats|tls):\/\/[^\s,/]+)*$/
/** With credentials before an "@" if there are any; the name of the database is needed. */
const STORE_URL = /^postgres(ql)?:\/\/[^\s]+\/[^\s/?]+(\?\S*)?$/
const STORE_SCHEMA = /^[a-z_][a-z0-9_]{0,39}$/
const BUS_PREFIX = /^[a-z0-9_]{1,20}$/
const NAME = /^[a-z][a-z0-9-]{0,59}$/

const settingsSchema = z.object({
  name: z.string().regex(NAME, '1 to 60 of a-z, 0-9 and "-", starting with a letter'),
  dataDirectory: z.string().min(1),
  http: z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(7300) })
    .prefault({}),
  devices: z
    .strictObject({
      commandsPerDeviceMax: z.int().min(1).max(100_000).default(100),
      mqtt: z
        .strictObject({
          host: z.string().min(1).default('127.0.0.1'),
          port: port.default(1883),
          allowAnonymous: z.boolean().default(false),
          packetBytesMax: z.int().min(128).max(16_777_216).default(262_144),
          connectionsMax: z.int().min(1).max(1_000_000).default(10_000),
        })
        .prefault({}),
    })
    .prefault({}),
  bus: z
    .strictObject({
      url: z
        .string()
        .regex(BUS_URL, 'nats:// or tls:// with host and port; several with "," between')
        .optional(),
      prefix: z.string().regex(BUS_PREFIX, '1 to 20 of a-z, 0-9 and "_"').default('millrace'),
      replicas: z.int().min(1).max(5).default(1),
      sync: z.enum(['always', 'unknown']).default('unknown'),
      monitorUrl: z.url({ protocol: /^https?$/ }).optional(),
    })
    .prefault({}),
  store: z
    .strictObject({
      url: z.string().regex(STORE_URL, 'postgres:// with host and database').optional(),
      schema: z.string().regex(STORE_SCHEMA, '1 to 40 of a-z, 0-9 and "_"').default('millrace'),
      readConnectionsMax: z.int().min(1).max(1_000).default(8),
      commitConnectionsMax: z.int().min(1).max(100).default(2),
      isPooled: z.boolean().default(false),
      migrate: z.enum(['additive', 'check']).default('additive'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      ageMsMax: z
        .int()
        .min(60_000)
        .default(7 * 24 * 3_600_000),
      bytesMax: z.int().min(1_048_576).default(1_073_741_824),
    })
    .prefault({}),
})

/** Every setting with its value; what an application runs with. */
export type Settings = z.infer<typeof settingsSchema>

/** What the command line and the environment set, before the application file's own settings. */
export interface SettingOverrides {
  readonly dataDirectory?: string
  readonly httpHost?: string
  readonly httpPort?: number
  readonly mqttHost?: string
  readonly mqttPort?: number
  readonly busUrl?: string
  readonly busPrefix?: string
  readonly busSync?: string
  readonly busMonitorUrl?: string
  readonly storeUrl?: string
  readonly storeSchema?: string
  readonly storeMigrate?: string
}

/** The environment variable of each override. */
const ENVIRONMENT: Readonly<Record<keyof SettingOverrides, string>> = {
  dataDirectory: 'MILLRACE_DATA',
  httpHost: 'MILLRACE_HTTP_HOST',
  httpPort: 'MILLRACE_HTTP_PORT',
  mqttHost: 'MILLRACE_MQTT_HOST',
  mqttPort: 'MILLRACE_MQTT_PORT',
  busUrl: 'MILLRACE_BUS',
  busPrefix: 'MILLRACE_BUS_PREFIX',
  busSync: 'MILLRACE_BUS_SYNC',
  busMonitorUrl: 'MILLRACE_BUS_MONITOR',
  storeUrl: 'MILLRACE_STORE',
  storeSchema: 'MILLRACE_STORE_SCHEMA',
  storeMigrate: 'MILLRACE_STORE_MIGRATE',
}

/**
 * The settings of an application: overrides first, then the environment, then the application file, then defaults.
 *
 * @throws CONFIGURATION_INVALID naming the setting by its path, the value seen, and what is allowed
 */
export function resolveSettings(
  definition: AppDefinition,
  overrides: SettingOverrides = {},
  environment: Readonly<Record<string, string | undefined>> = {},
): Settings {
  const set = { ...fromEnvironment(environment), ...withoutUndefined(overrides) }
  const { events: _events, ...devices } = definition.devices ?? {}
  const input = {
    name: definition.name,
    dataDirectory: set.dataDirectory ?? '.millrace',
    http: { ...definition.http, ...pick(set.httpHost, 'host'), ...pick(set.httpPort, 'port') },
    devices: {
      ...devices,
      mqtt: { ...devices.mqtt, ...pick(set.mqttHost, 'host'), ...pick(set.mqttPort, 'port') },
    },
    bus: {
      ...definition.bus,
      ...pick(set.busUrl, 'url'),
      ...pick(set.busPrefix, 'prefix'),
      ...pick(set.busSync, 'sync'),
      ...pick(set.busMonitorUrl, 'monitorUrl'),
    },
    store: {
      ...definition.store,
      ...pick(set.storeUrl, 'url'),
      ...pick(set.storeSchema, 'schema'),
      ...pick(set.storeMigrate, 'migrate'),
    },
    retention: { ...definition.retention },
  }
  const result = settingsSchema.safeParse(input)
  if (result.success) return result.data
  throw settingError(input, result.error)
}

function settingError(input: unknown, error: z.ZodError) {
  const [issue] = error.issues
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const path = [...(issue?.path ?? []), ...keys.slice(0, 1)].map(String)
  let seen: unknown = input
  for (const key of path) seen = (seen as Record<string, unknown> | undefined)?.[key]
  return millraceError('CONFIGURATION_INVALID', {
    path: path.join('.'),
    // A password in an address that is wrong elsewhere is a password all the same.
    seen: (JSON.stringify(seen) ?? 'missing').replaceAll(/\/\/[^@\s]*@/g, '//…@'),
    expected:
      keys.length > 0 ? 'one of the settings in docs/reference/settings.md' : allowed(issue?.message ?? ''),
  })
}

/** "Too big: expected number to be <=65535" says it, but a reader of settings wants "number to be <=65535". */
function allowed(message: string): string {
  return message.replace(/^.*expected /, '').replace(/, received.*$/, '')
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): SettingOverrides {
  const set: Record<string, string | number> = {}
  for (const [setting, variable] of Object.entries(ENVIRONMENT)) {
    const value = environment[variable]
    if (value === undefined || value === '') continue
    set[setting] = setting.endsWith('Port') ? portOf(variable, value) : value
  }
  return set as SettingOverrides
}

/** A port given as text; `CONFIGURATION_INVALID` under the name it was given by. */
export function portOf(path: string, text: string): number {
  const result = port.safeParse(Number(text))
  if (result.success && text.trim() !== '') return result.data
  throw millraceError('CONFIGURATION_INVALID', {
    path,
    seen: JSON.stringify(text),
    expected: 'a port from 0 to 65535',
  })
}

function withoutUndefined(overrides: SettingOverrides): SettingOverrides {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))
}

function pick(value: string | number | undefined, key: string) {
  return value === undefined ? {} : { [key]: value }
}
