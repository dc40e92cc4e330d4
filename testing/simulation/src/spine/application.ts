import { actor } from '@millrace/actors'
import { collection } from '@millrace/documents'
import { type CommandDraft, command, type Event, event, type Schema } from '@millrace/kernel'
import { projection } from '@millrace/projections'

/** What a simulated device measures. `id` is the oracle's name for it, whatever id the event has. */
export interface ReadingData {
  readonly id: string
  readonly seq: number
  readonly celsius: number
}

/** What the projection keeps of a device. `chain` depends on every reading and on their order. */
export interface Total {
  readonly id: string
  readonly count: number
  readonly chain: number
}

/** Readings above it are answered with a command and an alarm. */
export const HOT_CELSIUS = 35
export const ACTOR_NAME = 'too-hot'
export const PROJECTION_NAME = 'totals'

export const Reading = event<ReadingData>('sim.reading', schemaOf(isReading, 'a reading'))
export const Alarm = event<{ readonly reading: string }>('sim.alarm', schemaOf(isAlarm, 'an alarm'))
export const OpenVent = command<{ readonly reading: string }>('open-vent', schemaOf(isAlarm, 'a reason'))
export const Totals = collection<Total>('totals', schemaOf(isTotal, 'a total'))

/** What a reading does to the total of its device. */
export function addToTotal(total: Total | undefined, reading: Event<ReadingData>): Total {
  const { count, chain } = total ?? { count: 0, chain: 7 }
  return {
    id: String(reading.subject),
    count: count + 1,
    chain: (Math.imul(chain, 31) + reading.data.seq) >>> 0,
  }
}

/** The projection under simulation. */
export const totals = projection(PROJECTION_NAME, Totals).on(Reading, addToTotal)

/** The actor under simulation; `around` may delay and fail as it likes before the decision. */
export function tooHot(
  options: {
    readonly concurrency: number
    readonly attemptsMax: number
    readonly timeoutMs: number
    readonly deadlineMs: number
  },
  around: (reading: Event<ReadingData>, attempt: number, signal: AbortSignal) => Promise<void>,
) {
  const { concurrency, attemptsMax, timeoutMs, deadlineMs } = options
  const retry = { attemptsMax, delayMsMin: 20, delayMsMax: 2_000 }
  return actor(
    ACTOR_NAME,
    { on: Reading, concurrency, timeoutMs, retry },
    async (reading, { attempt, signal }) => {
      await around(reading, attempt, signal)
      if (reading.data.celsius <= HOT_CELSIUS) return []
      const reason = { reading: reading.data.id }
      const vent: CommandDraft = OpenVent.to(String(reading.subject), reason, { deadlineMs, cause: reading })
      return [Alarm.from(reading, reason), vent]
    },
  )
}

function isReading(value: unknown): value is ReadingData {
  const { id, seq, celsius } = (value ?? {}) as Partial<ReadingData>
  return typeof id === 'string' && typeof seq === 'number' && typeof celsius === 'number'
}

function isAlarm(value: unknown): value is { readonly reading: string } {
  return typeof (value as { reading?: unknown } | null)?.reading === 'string'
}

function isTotal(value: unknown): value is Total {
  const { id, count, chain } = (value ?? {}) as Partial<Total>
  return typeof id === 'string' && typeof count === 'number' && typeof chain === 'number'
}

/** A Standard Schema from a question. */
function schemaOf<Data>(fits: (value: unknown) => value is Data, what: string): Schema<Data> {
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace-simulation',
      validate: (value) => (fits(value) ? { value } : { issues: [{ message: `expected ${what}` }] }),
    },
  }
}
