import type { SimulationReport } from './simulation.ts'
import type { Swarm } from './swarm.ts'

/** What to type to see a seed again. */
export function replayCommand(seed: number): string {
  return `npm run sim -- spine ${seed}`
}

/** What the seed has chosen, a line for each choice. */
export function describeSwarm(seed: number, { devices, ...choices }: Swarm): string {
  const lines = Object.entries(choices).map(([name, value]) => `  ${name}: ${value}`)
  const each = devices.map(({ id, ...plan }) => `  ${id}: ${JSON.stringify(plan)}`)
  return [`seed ${seed}`, ...lines, ...each].join('\n')
}

/** How a run ended; for a failure what was seen, where, and how to see it again. */
export function describeReport({
  seed,
  violation,
  steps,
  virtualMs,
  historyHash,
  counts,
}: SimulationReport): string {
  const { published, acknowledged, handled, commandsObeyed, processes } = counts
  const story = [
    `${steps} steps`,
    `${(virtualMs / 1000).toFixed(1)} s of virtual time`,
    `${processes} processes`,
    `${published} readings, ${acknowledged} acknowledged, ${handled} handled`,
    `${commandsObeyed} commands obeyed`,
    `history ${historyHash}`,
  ].join(', ')
  if (violation === undefined) return `seed ${seed} holds: ${story}`
  const { invariant, seen, step, atMs } = violation
  return [
    `seed ${seed} FAILED: ${invariant}`,
    `  seen: ${seen}`,
    `  at step ${step}, ${atMs.toFixed(2)} ms of virtual time (${story})`,
    `  replay: ${replayCommand(seed)}`,
  ].join('\n')
}
