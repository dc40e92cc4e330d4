import { fileURLToPath } from 'node:url'
import { ChildProgram } from '../child-program.ts'
import type { Figure, RunContext } from '../figure.ts'
import type { StoreBenchOptions } from './options.ts'
import { storeFigure } from './store-figure.ts'

const ANSWER_MS_MAX = 60 * 60_000
const MIB = 1024 * 1024

/** What the process has seen of its own memory while the daemon read. */
export interface MemoryReport {
  /** Resident bytes each time another tenth of the events was projected. */
  readonly residentBytes: readonly number[]
  /** Bytes of the JavaScript heap at the same moments, after a collection. */
  readonly heapBytes: readonly number[]
  readonly events: number
  readonly projectMs: number
}

/**
 * One process fills streams, another one's daemon projects them from the first event to the last: what it holds at each
 * tenth of the way. A daemon that keeps something of each event grows; one that does not is flat.
 */
export async function benchMemory(
  directory: string,
  { memoryEvents, progress }: StoreBenchOptions,
  context: RunContext,
): Promise<Figure[]> {
  progress(`memory: ${memoryEvents} events are appended`)
  await inProcess('fill', directory, memoryEvents)
  progress('memory: they are projected')
  const report = (await inProcess('project', directory, memoryEvents)) as MemoryReport
  const { residentBytes, heapBytes, projectMs, events } = report
  const [firstHeap = 0, lastHeap = 0] = [heapBytes[0], heapBytes.at(-1)]
  const mib = (bytes: number) => Number((bytes / MIB).toFixed(1))
  const note = `at each tenth of ${events} events, resident ${residentBytes.map(mib).join(', ')} MiB; heap ${heapBytes.map(mib).join(', ')} MiB`
  return [
    storeFigure(
      {
        case: 'sqlite, daemon over many events, heap growth',
        value: mib(lastHeap - firstHeap),
        unit: 'MiB',
        note,
      },
      context,
    ),
    storeFigure(
      {
        case: 'sqlite, daemon over many events, resident memory at most',
        value: mib(Math.max(...residentBytes)),
        unit: 'MiB',
        note,
      },
      context,
    ),
    storeFigure(
      { case: 'sqlite, daemon over many events, rate', value: (1000 * events) / projectMs, unit: 'events/s' },
      context,
    ),
  ]
}

async function inProcess(what: 'fill' | 'project', directory: string, events: number): Promise<unknown> {
  const path = fileURLToPath(new URL('memory-process.ts', import.meta.url))
  await using program = ChildProgram.startModule(path, [what, directory, String(events)], ['--expose-gc'])
  await program.ready((said) => (isObject(said) && said.ready === true ? true : undefined))
  // Waited for here: the process ends on the way out.
  return await program.ask(
    { begin: true },
    (said) => (isObject(said) ? said.result : undefined),
    ANSWER_MS_MAX,
  )
}

function isObject(said: unknown): said is Record<string, unknown> {
  return typeof said === 'object' && said !== null
}
