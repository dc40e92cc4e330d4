import type { StartOptions } from '@millrace/server'
import type { Command } from 'commander'

/** Options of `start` and `dev`. */
export interface StartFlags {
  readonly data?: string
  readonly httpHost?: string
  readonly httpPort?: string
  readonly mqttHost?: string
  readonly mqttPort?: string
  readonly bus?: string
  readonly busPrefix?: string
  readonly busSync?: string
  readonly busMonitor?: string
  readonly store?: string
  readonly storeSchema?: string
  readonly storeMigrate?: string
  readonly logLevel: NonNullable<StartOptions['logLevel']>
  readonly json?: boolean
}

/** What `start` does differently when `dev` runs it; set by `dev` only. */
export const DEV_VARIABLE = 'MILLRACE_DEV'

/** `millrace start app.ts` */
export function addStartCommand(program: Command): void {
  const command = withStartOptions(program.command('start').description('Run an application.'))
  command.addHelpText(
    'after',
    '\nExamples:\n  millrace start app.ts\n  millrace start app.ts --data /var/lib/greenhouse --http-port 8080 --mqtt-host 0.0.0.0',
  )
  command.action(async (file: string, flags: StartFlags) => {
    // The server is loaded only by the commands that run one, so that the others answer at once.
    const { runUntilStopped } = await import('../run-application.ts')
    await runUntilStopped(file, flags)
  })
}

/** Adds the file argument and the options of `start` and `dev`. */
export function withStartOptions(command: Command): Command {
  return command
    .argument('<file>', 'the application: a module whose default export is made by defineApp')
    .option('--data <directory>', 'data directory (MILLRACE_DATA; default: .millrace)')
    .option('--http-host <host>', 'address of API and console (MILLRACE_HTTP_HOST; default: 127.0.0.1)')
    .option(
      '--http-port <port>',
      'port of API and console, 0 for a free one (MILLRACE_HTTP_PORT; default: 7300)',
    )
    .option('--mqtt-host <host>', 'address for devices (MILLRACE_MQTT_HOST; default: 127.0.0.1)')
    .option('--mqtt-port <port>', 'port for devices, 0 for a free one (MILLRACE_MQTT_PORT; default: 1883)')
    .option('--bus <url>', 'nats://host:port instead of logs in the data directory (MILLRACE_BUS)')
    .option('--bus-prefix <name>', 'begins all names on that server (MILLRACE_BUS_PREFIX; default: millrace)')
    .option('--bus-monitor <url>', 'its monitoring, which shows whether it syncs (MILLRACE_BUS_MONITOR)')
    .option('--bus-sync <how>', '"always" vouches that it syncs before it answers (MILLRACE_BUS_SYNC)')
    .option(
      '--store <url>',
      'postgres://host/database instead of SQLite in the data directory (MILLRACE_STORE)',
    )
    .option('--store-schema <name>', 'where on that server (MILLRACE_STORE_SCHEMA; default: millrace)')
    .option('--store-migrate <how>', '"check" changes no table, see millrace store (MILLRACE_STORE_MIGRATE)')
    .option('--log-level <level>', 'debug, info, warn, error or silent', 'warn')
    .option('--json', 'print JSON for programs')
}
