import { startApp } from '@millrace/server'
import { spineApp } from './app.ts'

/** A process of its own: the application on the data directory that the first argument names, until SIGTERM. */
const [dataDirectory = '.cache/bench/server'] = process.argv.slice(2)
const running = await startApp(spineApp, { dataDirectory })
process.send?.({ mqtt: `mqtt://${running.mqtt.host}:${running.mqtt.port}` })

const stop = () => void running.close().then(() => process.exit())
process.once('SIGTERM', stop)
process.once('disconnect', stop)
