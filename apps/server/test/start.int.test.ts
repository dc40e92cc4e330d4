import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { actor } from '@millrace/actors'
import { defineApp, loadApp, startApp } from '@millrace/server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectDevice, greenhouse, Reading, startGreenhouse, temporaryDirectory } from './world.ts'

describe('starting', () => {
  test('a data directory that another application uses is refused, and stays usable for its owner', async () => {
    const app = await startGreenhouse()
    const { dataDirectory } = app.backbone.settings
    const again = startApp(greenhouse, { dataDirectory, httpPort: 0, mqttPort: 0 })
    await expect(again).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    const device = await connectDevice(app, 'bench-1')
    await device.publish('greenhouse.reading', { celsius: 1 })
  })

  test('a data directory that a newer version wrote is refused untouched', async () => {
    const dataDirectory = await temporaryDirectory()
    await writeFile(join(dataDirectory, 'format-version'), '2\n')
    const starting = startApp(greenhouse, { dataDirectory, httpPort: 0, mqttPort: 0 })
    await expect(starting).rejects.toMatchObject({ code: 'DIRECTORY_TOO_NEW' })
    await expect(stat(join(dataDirectory, 'bus'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test.each(['httpPort', 'mqttPort'] as const)(
    'a %s that is taken is named with its setting, and frees everything',
    async (port) => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void other.close())
      const taken = (other.address() as { port: number }).port
      const dataDirectory = await temporaryDirectory()
      const ports = { httpPort: 0, mqttPort: 0, [port]: taken }
      const setting = port === 'httpPort' ? 'http.port' : 'devices.mqtt.port'
      await expect(startApp(greenhouse, { dataDirectory, ...ports })).rejects.toMatchObject({
        code: 'LISTENER_ADDRESS_IN_USE',
        parameters: { setting, address: `127.0.0.1:${taken}` },
      })
      await startGreenhouse({ dataDirectory })
    },
  )

  test('an application whose actor cannot start is refused, and frees everything', async () => {
    const dataDirectory = await temporaryDirectory()
    const { mqtt, close } = await startGreenhouse({ dataDirectory })
    await close()
    const actors = [actor('impossible', { on: Reading, concurrency: 0 }, () => [])]
    const broken = defineApp({ ...greenhouse.definition, actors })
    const options = { dataDirectory, httpPort: 0, mqttPort: mqtt.port }
    await expect(startApp(broken, options)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
    await startGreenhouse(options)
  })

  test('secrets are readable by their owner only', async () => {
    const app = await startGreenhouse()
    const { dataDirectory } = app.backbone.settings
    for (const file of ['api-token', 'device-secret']) {
      expect((await stat(join(dataDirectory, file))).mode & 0o077).toBe(0)
    }
  })

  test('a device with the password of another is refused', async () => {
    const app = await startGreenhouse()
    await expect(
      connectDevice({ ...app, passwordOf: () => app.passwordOf('bench-2') }, 'bench-1'),
    ).rejects.toThrow()
  })

  test('closing twice is closing once', async () => {
    const app = await startGreenhouse()
    await Promise.all([app.close(), app.close()])
    await app.close()
  })
})

describe('application files', () => {
  test('a file that is not there, does not compile, or exports something else, is named with its fault', async () => {
    const directory = await temporaryDirectory()
    const write = async (name: string, text: string) => {
      await writeFile(join(directory, name), text)
      return join(directory, name)
    }
    await expect(loadApp(join(directory, 'none.mjs'))).rejects.toMatchObject({ code: 'APP_FILE_NOT_FOUND' })
    const broken = await write('broken.mjs', 'export default {\n')
    await expect(loadApp(broken)).rejects.toMatchObject({ code: 'APP_FILE_BROKEN' })
    const throws = await write('throws.mjs', 'throw new Error("no database")\n')
    await expect(loadApp(throws)).rejects.toThrow(/no database/)
    const empty = await write('empty.mjs', 'export const app = 1\n')
    await expect(loadApp(empty)).rejects.toThrow(/no default export/)
    const other = await write('other.mjs', 'export default { name: "x" }\n')
    await expect(loadApp(other)).rejects.toMatchObject({ code: 'APP_DEFINITION_INVALID' })
  })
})
