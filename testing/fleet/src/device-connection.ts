import { Socket } from 'node:net'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

/** Where and as whom a simulated device connects. */
export interface DeviceAddress {
  /** `mqtt://127.0.0.1:1883`. */
  readonly url: string
  readonly device: string
  /** Default: none, for a server that lets everybody in. */
  readonly password?: string | undefined
  /** Default: '5'. */
  readonly protocol?: '3.1.1' | '5' | undefined
  readonly keepAliveSeconds?: number | undefined
}

/** What a connection tells. */
export interface DeviceConnectionObserver {
  connected(client: MqttClient): void
  message(topic: string, payload: Uint8Array): void
  /** The last call; `error` if the server refused or the line broke. */
  closed(error: Error | undefined): void
}

const SESSION_EXPIRY_SECONDS = 3_600
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens one connection that does not reconnect by itself. Each connection is a client of its own, because a client's
 * stores lose messages over a reconnection (MQTT.js issues 607 and 2015): what is not acknowledged is ours to repeat.
 */
export function openDeviceConnection(address: DeviceAddress, observer: DeviceConnectionObserver): MqttClient {
  const client = mqtt.connect(address.url, optionsOf(address))
  let lastError: Error | undefined
  let isClosed = false
  client.on('connect', () => {
    // An acknowledgement must not hold back what follows it until the server has answered (Nagle's algorithm).
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    observer.connected(client)
  })
  client.on('message', (topic, payload) => observer.message(topic, payload))
  client.on('error', (error) => {
    lastError = error
  })
  client.on('close', () => {
    if (isClosed) return
    isClosed = true
    client.end(true)
    observer.closed(lastError)
  })
  return client
}

function optionsOf({
  device,
  password,
  protocol = '5',
  keepAliveSeconds = 60,
}: DeviceAddress): IClientOptions {
  return {
    clientId: device,
    clean: false,
    reconnectPeriod: 0,
    resubscribe: false,
    keepalive: keepAliveSeconds,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(password === undefined ? {} : { username: device, password }),
    ...(protocol === '5'
      ? { protocolVersion: 5 as const, properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } }
      : { protocolVersion: 4 as const }),
  }
}
