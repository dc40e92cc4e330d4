import { replayCommand, type SeedResult, type Target } from '../target.ts'
import { type LogReport, runLog } from './log-simulation.ts'
import { describeAction, drawTrace } from './log-trace.ts'

/** The log on a disk whose power fails at every moment. */
export const logTarget: Target = {
  name: 'log',
  unit: 'crash points',
  run: async (seed) => resultOf(await runLog(seed)),
  replay: async (seed, tell) => {
    const { actions, ...choices } = drawTrace(seed)
    tell(JSON.stringify(choices))
    actions.forEach((action, index) => {
      tell(`  ${index + 1}: ${describeAction(action)}`)
    })
    const report = await runLog(seed, { note: tell })
    tell(describeLogReport(report))
    return resultOf(report)
  },
}

/** How a run ended; for a failure what was seen, where, and how to see it again. */
export function describeLogReport({ seed, points, moments, lives, records, violation }: LogReport): string {
  const story = `${points} crash points at ${moments} moments of ${lives} lives, ${records} records`
  if (violation === undefined) return `seed ${seed} holds: ${story}`
  const { what, point, where } = violation
  return [
    `seed ${seed} FAILED at crash point ${point} (${story})`,
    `  seen: ${what}`,
    `  at: ${where}`,
    `  replay: ${replayCommand('log', seed)}`,
  ].join('\n')
}

function resultOf({ seed, points, violation }: LogReport): SeedResult {
  const failure = violation && {
    what: violation.what,
    where: `crash point ${violation.point}, ${violation.where}`,
    replay: replayCommand('log', seed),
  }
  return { seed, points, failure }
}
