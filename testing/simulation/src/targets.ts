import { busTarget } from './bus/bus-target.ts'
import { logTarget } from './log/log-target.ts'
import { spineTarget } from './spine/spine-target.ts'
import type { Target } from './target.ts'

/** Everything that can be simulated, by what it is called on the command line. */
export const targets: Readonly<Record<string, Target>> = {
  spine: spineTarget,
  log: logTarget,
  bus: busTarget,
}
