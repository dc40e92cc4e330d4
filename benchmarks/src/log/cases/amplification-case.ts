import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { type Figure, limit, type RunContext } from '../../figure.ts'
import { countingFiles } from '../counting-files.ts'
import { logFigure } from '../log-figures.ts'
import type { LogBenchOptions } from '../options.ts'
import type { BenchStore } from '../store.ts'
import { rawPlans } from '../stores/raw-file.ts'
import { type AppendWorkload, BATCHES, CONCURRENT, SEQUENTIAL } from '../workload.ts'

/** One record at a time takes long, and says the same after a part of the bytes. */
const SEQUENTIAL_SHARE = 1 / 16

const PARTS: readonly { readonly name: string; readonly workload: AppendWorkload; readonly share: number }[] =
  [
    { name: 'sequential 1 KiB', workload: SEQUENTIAL, share: SEQUENTIAL_SHARE },
    { name: '256 producers 1 KiB', workload: CONCURRENT, share: 1 },
    { name: 'batches of 1000 x 100 B', workload: BATCHES, share: 1 },
  ]

/** Of `/sys/class/block/<device>/stat`; its sectors have 512 bytes whatever the device has. */
const SECTORS_WRITTEN_FIELD = 6
const SECTOR_BYTES = 512

const WITHOUT_AHEAD = 'allocateAheadBytesMax: 0'
const DEVICE_NOTE = 'counts all that was written to the device meanwhile, by whomever'

interface Written {
  readonly payload: number
  /** At the `Files` port. */
  readonly handed: number
  readonly zeros: number
  /** What came to the device, with the journal of the file system; NaN where the system does not say. */
  readonly device: number
}

/** Bytes written for a byte of payload, from opening to closing: with frames, marks, rolls and what is allocated ahead. */
export async function benchAmplification(
  { amplificationBytes, progress }: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { name, workload, share } of PARTS) {
    const bytes = amplificationBytes * share
    const work = join(directory, 'amplification')
    await mkdir(work, { recursive: true })
    const ours = await writeLog(work, workload, bytes, context)
    const withoutAhead = await writeLog(work, workload, bytes, context, 0)
    const raw = await writeRaw(work, workload, bytes, context)
    await rm(work, { recursive: true, force: true })
    progress(
      `amplification, ${name}: ${ratio(ours.handed, ours)} handed over, of it ${ratio(ours.zeros, ours)} zeros; device ${ratio(ours.device, ours)}, raw ${ratio(raw.device, raw)}; with ${WITHOUT_AHEAD} ${ratio(withoutAhead.handed, withoutAhead)}, device ${ratio(withoutAhead.device, withoutAhead)}`,
    )
    figures.push(...writtenFigures(name, ours, withoutAhead, raw, context))
  }
  return figures
}

function writtenFigures(
  name: string,
  ours: Written,
  withoutAhead: Written,
  raw: Written,
  context: RunContext,
): Figure[] {
  const unit = 'bytes/payload byte'
  const of = (what: string, value: number, rawValue?: number) =>
    logFigure(
      {
        case: `amplification, ${name}, ${what}`,
        value,
        unit,
        ...(rawValue === undefined
          ? {}
          : { limits: [limit('blocking write+fdatasync', value, rawValue)], note: DEVICE_NOTE }),
      },
      context,
    )
  return [
    of('handed to the file system', ours.handed / ours.payload),
    of('handed over without zeros ahead', (ours.handed - ours.zeros) / ours.payload),
    of('written to the device', ours.device / ours.payload, raw.device / raw.payload),
    of(`handed to the file system, with ${WITHOUT_AHEAD}`, withoutAhead.handed / withoutAhead.payload),
    of(
      `written to the device, with ${WITHOUT_AHEAD}`,
      withoutAhead.device / withoutAhead.payload,
      raw.device / raw.payload,
    ),
  ]
}

async function writeLog(
  work: string,
  workload: AppendWorkload,
  bytes: number,
  context: RunContext,
  allocateAheadBytesMax?: number,
): Promise<Written> {
  const before = deviceBytes(context)
  const { files, counts } = countingFiles(nodeFiles(work))
  const directory = `log-${allocateAheadBytesMax ?? 'default'}`
  const ahead = allocateAheadBytesMax === undefined ? {} : { allocateAheadBytesMax }
  const log = await openLog({ files, directory, runtime: nodeRuntime(), ...ahead })
  const append = async (records: readonly Uint8Array[]) => {
    await log.append(records.map((value) => ({ value })))
  }
  const payload = await appendBytes({ append, [Symbol.asyncDispose]: () => log.close() }, workload, bytes)
  await log.close()
  return { payload, handed: counts.bytes, zeros: counts.zeroBytes, device: deviceBytes(context) - before }
}

/** The raw loop's file was filled before, which is not counted. */
async function writeRaw(
  work: string,
  workload: AppendWorkload,
  bytes: number,
  context: RunContext,
): Promise<Written> {
  const [plan] = rawPlans()
  if (plan === undefined) throw new Error('there is a raw loop')
  await using store = await plan.open(work)
  const before = deviceBytes(context)
  const together = workload.producers
  const payload = await appendBytes(
    store,
    { ...workload, producers: 1, recordsPerAppend: Math.min(1000, workload.recordsPerAppend * together) },
    bytes,
  )
  return { payload, handed: payload, zeros: 0, device: deviceBytes(context) - before }
}

async function appendBytes(store: BenchStore, workload: AppendWorkload, bytes: number): Promise<number> {
  const { producers, recordsPerAppend, recordBytes } = workload
  const records = Array.from({ length: recordsPerAppend }, () => new Uint8Array(recordBytes).fill(1))
  const appendBytes = recordsPerAppend * recordBytes
  let payload = 0
  const produce = async () => {
    while (payload < bytes) {
      payload += appendBytes
      await store.append(records)
    }
  }
  await Promise.all(Array.from({ length: producers }, produce))
  return payload
}

/** What Linux has written to the device under the data, for everybody; NaN where it does not say. */
function deviceBytes({ machine }: RunContext): number {
  const device = machine.disk.slice(machine.disk.lastIndexOf('/') + 1)
  try {
    const fields = readFileSync(`/sys/class/block/${device}/stat`, 'utf8').trim().split(/\s+/)
    return Number(fields[SECTORS_WRITTEN_FIELD] ?? Number.NaN) * SECTOR_BYTES
  } catch {
    return Number.NaN
  }
}

function ratio(bytes: number, { payload }: Written): string {
  return (bytes / payload).toFixed(3)
}
