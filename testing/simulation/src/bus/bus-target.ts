import { replayCommand, type SeedResult, type Target } from '../target.ts'
import { type BusReport, runBus } from './bus-simulation.ts'
import { drawBusTrace } from './bus-trace.ts'

/** The embedded bus on a disk whose power fails. */
export const busTarget: Target = {
  name: 'bus',
  unit: 'crash points',
  run: async (seed) => resultOf(await runBus(seed)),
  replay: async (seed, tell) => {
    const { actions, ...choices } = drawBusTrace(seed)
    tell(JSON.stringify(choices))
    const result = resultOf(await runBus(seed, { note: tell }))
    const { failure, points } = result
    if (failure === undefined) tell(`seed ${seed} holds: ${points} crash points, ${actions.length} actions`)
    else
      tell(
        `seed ${seed} FAILED\n  seen: ${failure.what}\n  at: ${failure.where}\n  replay: ${failure.replay}`,
      )
    return result
  },
}

function resultOf({ seed, points, violation }: BusReport): SeedResult {
  const failure = violation && {
    what: violation.what,
    where: `crash point ${violation.point}, ${violation.where}`,
    replay: replayCommand('bus', seed),
  }
  return { seed, points, failure }
}
