import { parseReports, type Report, reportLine } from './report-line.ts'
import type { WaitingProcess } from './waiting-process.ts'

/** What a life may take to end by itself behind its plan, in milliseconds. */
const OVERTIME_MS_MAX = 30_000
const CLOSING = reportLine({ kind: 'closing' })

/** When a life is killed: after a time, so long after it said that it closes, or as soon as it has made so many reports. */
export type Death =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'closing'; readonly ms: number }
  | { readonly kind: 'reports'; readonly count: number }
  /** It ends by itself. */
  | { readonly kind: 'none' }

/** What a life came to. */
export interface LifeOutcome<Some extends Report> {
  readonly ended: 'killed' | 'closed' | 'failed' | 'stuck'
  readonly reports: readonly Some[]
  /** From its plan to its being at work, in milliseconds; undefined if it died before. */
  readonly openingMs: number | undefined
  /** What it wrote to standard error. */
  readonly said: string
}

/** Lives by the plan until `death`, or until it ends by itself. It is at work when it makes a report of `atWork`. */
export async function liveOnce<Some extends Report>(
  waiting: WaitingProcess,
  plan: { readonly workMs: number },
  death: Death,
  atWork: Some['kind'],
): Promise<LifeOutcome<Some>> {
  await waiting.begin(plan)
  const beginMs = performance.now()
  let openingMs: number | undefined
  let timer = death.kind === 'time' ? setTimeout(() => waiting.kill(), death.ms) : undefined
  waiting.onText = () => {
    if (openingMs === undefined && waiting.text.includes(`{"kind":"${atWork}"`))
      openingMs = performance.now() - beginMs
    if (death.kind === 'reports' && waiting.lines > death.count) waiting.kill()
    if (death.kind !== 'closing' || timer !== undefined || !waiting.text.endsWith(CLOSING)) return
    timer = setTimeout(() => waiting.kill(), death.ms)
  }
  let isStuck = false
  const limit = setTimeout(() => {
    isStuck = true
    waiting.kill()
  }, plan.workMs + OVERTIME_MS_MAX)
  const { exitCode, isKilled } = await waiting.ended
  clearTimeout(timer)
  clearTimeout(limit)
  const ended = isStuck ? 'stuck' : isKilled ? 'killed' : exitCode === 0 ? 'closed' : 'failed'
  return { ended, reports: parseReports<Some>(waiting.text), openingMs, said: waiting.said }
}
