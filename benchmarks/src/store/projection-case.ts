import { type Figure, type RunContext, rounded } from '../figure.ts'
import type { Contender } from './contender.ts'
import type { StoreBenchOptions } from './options.ts'
import { storeFigure } from './store-figure.ts'

/** Events a second, or why there are none. */
interface Outcome {
  readonly contender: Contender
  readonly background: number
  readonly rebuild: number
}

/**
 * Events that are there already become one document a stream: first by a projection that has seen nothing, as in the
 * background, then once more from the beginning. Each alone, one after the other. The sum of the counts must be the
 * number of events.
 */
export async function benchProjection(
  contenders: readonly Contender[],
  { projection, progress }: StoreBenchOptions,
  context: RunContext,
): Promise<Figure[]> {
  const outcomes: Outcome[] = []
  for (const contender of contenders) {
    const { role, name } = contender.plan
    const events = role === 'ours' ? projection.events : projection.peerEvents
    if (role === 'raw') continue
    progress(`  ${name}: ${events} events`)
    if (!(await contender.fill(events, projection.streams))) continue
    const background = await rateOf(contender, 'project')
    const rebuild = await rateOf(contender, 'rebuild')
    outcomes.push({ contender, background, rebuild })
    progress(`  ${name}: background ${Math.round(background)}/s, rebuild ${Math.round(rebuild)}/s`)
  }
  const ours = outcomes.find(({ contender }) => contender.plan.role === 'ours')
  if (ours === undefined) return []
  return (['background', 'rebuild'] as const).map((what) =>
    storeFigure(
      {
        case: `${ours.contender.plan.engine}, projection, ${what}`,
        value: ours[what],
        unit: 'events/s',
        peers: outcomes
          .filter((each) => each !== ours)
          .map((each) => ({
            name: each.contender.plan.name,
            settings: `${each.contender.plan.settings}; ${projection.peerEvents} events, ours ${projection.events}`,
            value: rounded(each[what]),
            ratio: rounded(each[what] / ours[what]),
          })),
      },
      context,
    ),
  )
}

/** Over all that was projected: what was there before `fill` counts, too. */
async function rateOf(contender: Contender, kind: 'project' | 'rebuild'): Promise<number> {
  const ms = await contender.run(kind)
  const total = await contender.total()
  return (1000 * total) / ms
}
