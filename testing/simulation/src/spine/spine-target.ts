import { replayCommand, type SeedResult, type Target } from '../target.ts'
import { describeReport, describeSwarm } from './report-text.ts'
import { runSimulation, type SimulationReport } from './simulation.ts'
import { drawSwarm } from './swarm.ts'

const VERBOSE_TAIL_MAX = 400

/** The whole spine: devices, bus, actors, projections, commands. */
export const spineTarget: Target = {
  name: 'spine',
  unit: 'steps',
  run: async (seed) => resultOf(await runSimulation(seed)),
  replay: async (seed, tell) => {
    tell(describeSwarm(seed, drawSwarm(seed)))
    const report = await runSimulation(seed, { tailMax: VERBOSE_TAIL_MAX })
    for (const line of report.tail) tell(line)
    tell(describeReport(report))
    return resultOf(report)
  },
}

function resultOf({ seed, steps, violation, historyHash }: SimulationReport): SeedResult {
  const failure = violation && {
    what: `${violation.invariant}: ${violation.seen}`,
    where: `step ${violation.step}, ${violation.atMs.toFixed(2)} ms of virtual time, history ${historyHash}`,
    replay: replayCommand('spine', seed),
  }
  return { seed, points: steps, failure }
}
