import { millraceError } from '@millrace/kernel'
import { type DumpVisitor, dumpLog } from '@millrace/log/inspection'
import type { Command } from 'commander'
import { type SetExitCode, untilInterrupted } from '../commands/api-options.ts'
import { EXIT } from '../exit-codes.ts'
import { PrintedLines } from './printed-lines.ts'
import { type Encoding, frameLine, parseEncoding, recordLine } from './record-line.ts'
import { type LogTarget, logTargets } from './target.ts'
import { countText, offsetsText } from './words.ts'

interface DumpFlags {
  readonly from?: string
  readonly to?: string
  readonly timeFrom?: string
  readonly timeTo?: string
  readonly count?: string
  readonly key: string
  readonly value: string
  readonly raw?: boolean
}

interface DumpFormat {
  readonly keys: Encoding
  readonly values: Encoding
  readonly isRaw: boolean
  /** Each line says which log it is of. */
  readonly isNamed: boolean
}

/** `millrace log dump DIR` */
export function addDump(log: Command, setExitCode: SetExitCode): void {
  log
    .command('dump')
    .description(
      'Print records as JSON, one a line, in the order of their offsets, past any damage. Changes nothing.',
    )
    .argument('<directory>', 'a log, or a folder above logs: then each line names its log')
    .option('--from <offset>', 'begin with this offset')
    .option('--to <offset>', 'end before this offset')
    .option('--time-from <time>', 'only records of this time or later, such as 2026-01-31T12:00:00Z')
    .option('--time-to <time>', 'only records of before this time')
    .option('--count <number>', 'print so many records of each log at most')
    .option('--key <encoding>', 'text, base64 or hex', 'text')
    .option('--value <encoding>', 'text, base64 or hex', 'text')
    .option('--raw', 'print frames with the fields of their headers instead of records')
    .option('--json', 'accepted, since it is always JSON')
    .addHelpText(
      'after',
      `
What is to be text and is not UTF-8 is printed in base64, as keyBase64 or valueBase64. Gaps are named on standard error.

Exit codes: 0 all of it was printed, or the reader had enough; 5 some of it is lost; 6 there is no log; 130 interrupted.

Examples:
  millrace log dump .millrace/bus/bus/topics/greenhouse.reading/0 --from 1000 --count 10
  millrace log dump .millrace/bus/bus/topics/greenhouse.reading --time-from 2026-01-31T12:00:00Z | jq .value
  millrace log dump DIR --raw | head`,
    )
    .action(async (directory: string, flags: DumpFlags) => {
      const signal = untilInterrupted()
      const bounds = boundsOf(flags)
      const keys = parseEncoding('--key', flags.key)
      const values = parseEncoding('--value', flags.value)
      const targets = await logTargets(directory, signal)
      const format = { keys, values, isRaw: flags.raw === true, isNamed: targets.length > 1 }
      const lines = new PrintedLines(process.stdout, signal)
      for (const target of targets) {
        const visitor = printing(target, format, lines, () => setExitCode(EXIT.damaged))
        const { files, directory: path } = target
        await dumpLog({ files, directory: path, signal, ...bounds }, visitor)
      }
    })
}

function boundsOf({ from, to, timeFrom, timeTo, count }: DumpFlags) {
  return {
    fromOffset: parseWhole('--from', from),
    toOffset: parseWhole('--to', to),
    fromTimestampMs: parseTimestamp('--time-from', timeFrom),
    toTimestampMs: parseTimestamp('--time-to', timeTo),
    countMax: parseWhole('--count', count),
  }
}

function printing(
  { name }: LogTarget,
  { keys, values, isRaw, isNamed }: DumpFormat,
  lines: PrintedLines,
  gapFound: () => void,
): DumpVisitor {
  const label = isNamed ? { log: name } : {}
  return {
    records: (frame, records) => {
      if (isRaw) return lines.write(`${JSON.stringify({ ...label, ...frameLine(frame) })}\n`)
      const text = records.map((record) => JSON.stringify({ ...label, ...recordLine(record, keys, values) }))
      return lines.write(`${text.join('\n')}\n`)
    },
    gap: ({ from, to, reason }) => {
      gapFound()
      const place = isNamed ? `${name}: ` : ''
      process.stderr.write(
        `lost: ${place}${offsetsText({ from, to })} (${countText(to - from, 'offset')}): ${reason}\n`,
      )
    },
  }
}

/** A whole number from 0 on; `CONFIGURATION_INVALID` under the option's name for anything else. */
export function parseWhole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw millraceError('CONFIGURATION_INVALID', {
    path: option,
    seen: JSON.stringify(text),
    expected: 'a whole number from 0 on',
  })
}

function parseTimestamp(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timestampMs = Date.parse(text)
  if (!Number.isNaN(timestampMs)) return timestampMs
  throw millraceError('CONFIGURATION_INVALID', {
    path: option,
    seen: JSON.stringify(text),
    expected: 'a time such as 2026-01-31T12:00:00Z',
  })
}
