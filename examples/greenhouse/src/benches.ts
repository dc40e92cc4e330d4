import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type SimulatedDevice, simulateDevice } from '@millrace/fleet'
import { devicePasswords } from 'millrace'
import { type Bench, makeBench } from './bench.ts'
import { loadWeather, type Weather } from './weather.ts'

/**
 * Forty benches in a greenhouse: each is a real MQTT connection, measures once a second, and lives through ten minutes
 * of measured weather in that second. Where they are in the weather is kept, so that a restart goes on from there.
 */
const BENCHES = 40
const SEED = 2026
const STEP_MS = 1_000
const STEP_MINUTES = 10
/** A summer morning with hot days ahead, so that the first vent opens within a minute. */
const FIRST_DATE = '2015-06-25'
const FIRST_HOUR = 9
const SAVE_EVERY_STEPS = 5
/** How long to wait for the server to come up, in milliseconds. */
const SERVER_WAIT_MS_MAX = 60_000

const { values } = parseArgs({ options: { data: { type: 'string', default: '.millrace' } } })
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())

await run(values.data, stop.signal).catch((error: unknown) => {
  if (stop.signal.aborted) return
  console.error('the benches stopped:', error)
  process.exitCode = 1
})

async function run(dataDirectory: string, signal: AbortSignal): Promise<void> {
  const url = await serverAddress(dataDirectory, signal)
  const passwordOf = await devicePasswords(dataDirectory)
  const weather = loadWeather()
  const place = join(dataDirectory, 'greenhouse-minutes')
  let minutes = await loadMinutes(place, weather)
  const benches = Array.from({ length: BENCHES }, (_, index) => makeBench(index, SEED))
  await using connected = new AsyncDisposableStack()
  const devices = await Promise.all(
    benches.map(async (bench) =>
      connected.use(await connect(bench, { url, password: passwordOf(bench.id), signal })),
    ),
  )
  console.log(
    `${BENCHES} benches connected to ${url}; the weather is that of Seattle from ${weather.at(minutes).observedAt}\n`,
  )
  for (let step = 1; !signal.aborted; step += 1) {
    const nextStep = sleep(STEP_MS, undefined, { signal }).catch(() => undefined)
    measure(benches, devices, weather, minutes, signal)
    minutes = (minutes + STEP_MINUTES) % weather.totalMinutes
    if (step % SAVE_EVERY_STEPS === 0) await saveMinutes(place, minutes)
    await nextStep
  }
}

interface Access {
  readonly url: string
  readonly password: string
  readonly signal: AbortSignal
}

function connect(bench: Bench, { url, password, signal }: Access): Promise<SimulatedDevice> {
  return simulateDevice({
    url,
    device: bench.id,
    password,
    signal,
    onCommand: ({ name, data }) => {
      bench.ventPercent = name === 'open-vent' ? (data as { percent: number }).percent : 0
      console.log(`  ${bench.id}  ${name}  → the vent is ${bench.ventPercent} % open`)
      return { ventPercent: bench.ventPercent }
    },
  })
}

/** Every bench measures; a reading that is not acknowledged yet waits in the device and is sent again. */
function measure(
  benches: readonly Bench[],
  devices: readonly SimulatedDevice[],
  weather: Weather,
  minutes: number,
  signal: AbortSignal,
): void {
  const moment = weather.at(minutes)
  for (const [index, bench] of benches.entries()) {
    const reading = bench.step(moment)
    devices[index]?.publish('greenhouse.reading', reading).catch((error: unknown) => {
      if (!signal.aborted) console.error(`  ${bench.id}  a reading was refused:`, error)
    })
  }
}

/** The server writes where it listens when it is ready. */
async function serverAddress(dataDirectory: string, signal: AbortSignal): Promise<string> {
  const file = join(dataDirectory, 'server.json')
  for (const startedMs = Date.now(); Date.now() - startedMs < SERVER_WAIT_MS_MAX; ) {
    if (existsSync(file)) {
      const { mqtt } = JSON.parse(await readFile(file, 'utf8'))
      return `mqtt://${mqtt.host}:${mqtt.port}`
    }
    await sleep(200, undefined, { signal })
  }
  throw new Error(`no server wrote ${file} within ${SERVER_WAIT_MS_MAX / 1000} s`)
}

async function loadMinutes(file: string, weather: Weather): Promise<number> {
  if (existsSync(file)) {
    const minutes = Number(await readFile(file, 'utf8'))
    if (Number.isFinite(minutes)) return minutes
  }
  return weather.minutesOf(FIRST_DATE) + FIRST_HOUR * 60
}

async function saveMinutes(file: string, minutes: number): Promise<void> {
  await writeFile(`${file}.tmp`, String(minutes))
  await rename(`${file}.tmp`, file)
}
