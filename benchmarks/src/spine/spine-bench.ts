import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure } from '../figure.ts'
import { describeMachine } from '../machine.ts'
import { measureRawDisk } from '../raw-disk.ts'
import { ANSWER_EVERY_VARIABLE } from './answered.ts'
import { type ContenderPlan, millrace } from './contender.ts'
import { type SpineResult, spineFigures } from './figures.ts'
import { measureSpine, type SpineLoad } from './measure.ts'
import { findMosquitto, mosquittoPlans } from './mosquitto.ts'

/** Options of {@link benchSpine}. */
export interface SpineBenchOptions extends SpineLoad {
  /** False: only us. */
  readonly peer: boolean
  /** Everything is written below it; it should be on the disk that the figures are to be about. */
  readonly directory: string
  readonly rawSeconds: number
  /** Arguments for the server's Node. */
  readonly nodeArgs?: readonly string[]
  readonly progress: (line: string) => void
}

/**
 * Measures readings on their way to the PUBACK and to the command that answers them: the raw disk first, then us, then
 * every variant of the peer, one after the other, each alone with the same load generator.
 */
export async function benchSpine(options: SpineBenchOptions): Promise<Figure[]> {
  const { directory, progress } = options
  process.env[ANSWER_EVERY_VARIABLE] = String(options.answerEvery)
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(directory, 'spine-'))
  try {
    const date = new Date().toISOString()
    const raw = measureRawDisk(work, options.rawSeconds)
    progress(`raw disk: write(400 B) + fdatasync p50 ${raw.p50Ms} ms, p99 ${raw.p99Ms} ms`)
    const ours = await runPlan(millrace(options.nodeArgs ?? []), join(work, 'millrace'), options)
    const peers: SpineResult[] = []
    for (const [index, plan] of peerPlans(options).entries()) {
      peers.push(await runPlan(plan, join(work, `peer-${index}`), options))
    }
    return spineFigures({ load: options, raw, ours, peers, machine: describeMachine(work), date })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function peerPlans({ peer, progress }: SpineBenchOptions): ContenderPlan[] {
  if (!peer) return []
  const program = findMosquitto()
  if (program === undefined) progress('Mosquitto is not installed: no peer figures')
  return program === undefined ? [] : mosquittoPlans(program)
}

async function runPlan(
  plan: ContenderPlan,
  directory: string,
  options: SpineBenchOptions,
): Promise<SpineResult> {
  const { progress, ratePerSecond, seconds, warmUpSeconds } = options
  progress(`${plan.name}: ${ratePerSecond}/s for ${seconds} s after ${warmUpSeconds} s …`)
  await using contender = await plan.start(directory)
  const measurement = await measureSpine(contender, options)
  const { publishToAcknowledged: puback, publishToCommand: command, unacknowledged } = measurement.load
  progress(
    `  PUBACK p50 ${puback.p50Ms} p99 ${puback.p99Ms} p99.9 ${puback.p999Ms} ms · ` +
      `command p50 ${command.p50Ms} p99 ${command.p99Ms} p99.9 ${command.p999Ms} ms · ` +
      `${command.count} commands · ${unacknowledged} not acknowledged · ${measurement.use.cpuSeconds.toFixed(1)} s CPU`,
  )
  return { plan, measurement }
}
