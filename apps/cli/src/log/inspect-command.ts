import { inspectLog, type LogInspection, type SegmentInspection } from '@millrace/log/inspection'
import type { Command } from 'commander'
import { untilInterrupted } from '../commands/api-options.ts'
import { style, table, terminalOutput } from '../output.ts'
import { type LogTarget, logTargets } from './target.ts'
import { bytesText, countText, findingText, offsetsText } from './words.ts'

/** `millrace log inspect DIR` */
export function addInspect(log: Command): void {
  log
    .command('inspect')
    .description(
      'Show what is there: segments, offsets, sizes, gaps, the mark, who has it open. Quick, changes nothing.',
    )
    .argument('<directory>', 'a log, or a folder above logs, such as a data directory')
    .option('--json', 'print JSON for programs')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace log inspect .millrace\n  millrace log inspect .millrace/bus/bus/topics/greenhouse.reading/0 --json',
    )
    .action(async (directory: string, { json = false }: { json?: boolean }) => {
      const output = terminalOutput(json)
      const signal = untilInterrupted()
      const logs: (LogInspection & { owner: string | null })[] = []
      for (const target of await logTargets(directory, signal)) {
        const { files, owner, name } = target
        const isBeingWritten = owner !== undefined
        const found = await inspectLog({ files, directory: target.directory, signal, isBeingWritten })
        logs.push({ ...found, directory: name, owner: owner ?? null })
        if (!json) output.line(inspectionText(target, found))
      }
      if (json) output.data({ logs })
    })
}

function inspectionText({ name, owner }: LogTarget, found: LogInspection): string {
  const { startOffset, endOffset, segments, gaps, fileBytes, dataBytes, formatVersion, mark } = found
  const range = endOffset > startOffset ? offsetsText({ from: startOffset, to: endOffset }) : 'no records'
  const format = formatVersion === undefined ? 'format unknown' : `format ${formatVersion}`
  const marked = mark === undefined ? 'no mark' : `mark ${mark}`
  const lines = [
    style('bold', name),
    `  ${range}, ${bytesText(dataBytes)} of data in ${bytesText(fileBytes)}, ${format}, ${marked}`,
    owner === undefined
      ? '  nobody has it open'
      : `  open by ${owner}: this is how it was when it was read; there may be newer records, and the mark is a little behind`,
  ]
  if (segments.length > 0) lines.push(indented(segmentTable(segments)))
  for (const gap of gaps)
    lines.push(
      `  ${style('yellow', 'GAP')}    ${offsetsText(gap)} (${countText(gap.to - gap.from, 'offset')})`,
    )
  for (const finding of found.findings) lines.push(findingText(finding))
  return lines.join('\n')
}

function segmentTable(segments: readonly SegmentInspection[]): string {
  return table(
    ['segment', 'end', 'records', 'data', 'file', 'created', 'header', 'chain', 'kind'],
    segments.map(
      ({ baseOffset, endOffset, records, dataBytes, fileBytes, createdAtMs, header, chain, isCompacted }) => [
        baseOffset,
        endOffset,
        records ?? '?',
        bytesText(dataBytes),
        bytesText(fileBytes),
        createdAtMs === undefined ? '-' : new Date(createdAtMs).toISOString(),
        header,
        chain,
        isCompacted ? 'compacted' : '',
      ],
    ),
  )
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
