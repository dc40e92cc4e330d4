import { listenerSuite } from '@millrace/conformance'
import { settle } from '@millrace/kernel'
import { memoryListener } from '@millrace/memory'
import { expect, test } from 'vitest'

listenerSuite('memoryListener', async () => {
  const network = new Set<string>()
  const listener = memoryListener({ network })
  return { listener, rival: () => memoryListener({ network }), connect: async () => listener.connect() }
})

test('a cut line carries nothing and tells nobody, as a lost link does', async () => {
  const listener = memoryListener()
  const heard: string[] = []
  await listener.listen((connection) =>
    connection.observe({
      data: (bytes) => heard.push(`server ${bytes.length}`),
      drained: () => {},
      closed: () => heard.push('server closed'),
    }),
  )
  const client = listener.connect()
  client.observe({ data: () => {}, drained: () => {}, closed: () => heard.push('client closed') })
  client.write(new Uint8Array(1))
  await settle()
  client.write(new Uint8Array(2))
  client.cut()
  client.write(new Uint8Array(3))
  await settle()
  expect(heard).toEqual(['server 1'])
  client.destroy()
  await settle()
  expect(heard).toEqual(['server 1', 'client closed'])
})
