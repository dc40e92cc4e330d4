import { connect } from 'node:net'
import { listenerSuite } from '@millrace/conformance'
import type { Listener } from '@millrace/devices'
import { tcpListener } from '@millrace/tcp'
import { expect, test } from 'vitest'
import { Arrivals } from '../src/arrivals.ts'
import { TcpConnection } from '../src/tcp-connection.ts'

const HOST = '127.0.0.1'

listenerSuite('tcpListener', async () => {
  const plain = tcpListener({ host: HOST, port: 0 })
  let port = 0
  const listener: Listener = {
    async listen(accept) {
      const address = await plain.listen(accept)
      port = address.port
      return address
    },
    close: () => plain.close(),
  }
  return {
    listener,
    rival: () => tcpListener({ host: HOST, port }),
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: HOST, port })
        socket.once('error', reject)
        socket.once('connect', () => resolve(new TcpConnection(socket, new Arrivals())))
      }),
  }
})

test('an address of another machine is LISTENER_ADDRESS_UNUSABLE and names the setting', async () => {
  const listener = tcpListener({ host: '203.0.113.1', port: 0, setting: 'devices.mqtt.port' })
  const failure = listener.listen(() => {})
  await expect(failure).rejects.toMatchObject({ code: 'LISTENER_ADDRESS_UNUSABLE' })
  await expect(failure).rejects.toThrow('devices.mqtt.port')
})
