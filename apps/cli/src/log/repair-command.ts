import { millraceError, unreachable } from '@millrace/kernel'
import { type RepairAction, type RepairReport, repairLog } from '@millrace/log/inspection'
import { nodeRuntime } from '@millrace/node'
import type { Command } from 'commander'
import { type SetExitCode, untilInterrupted } from '../commands/api-options.ts'
import { EXIT } from '../exit-codes.ts'
import { style, terminalOutput } from '../output.ts'
import { parseWhole } from './dump-command.ts'
import { ProgressLine } from './progress-line.ts'
import { type LogTarget, logTargets } from './target.ts'
import { findingText, verdictText } from './words.ts'

interface RepairFlags {
  readonly dryRun?: boolean
  readonly nextOffset?: string
  readonly quiet?: boolean
  readonly json?: boolean
}

/** `millrace log repair DIR` */
export function addRepair(log: Command, setExitCode: SetExitCode): void {
  log
    .command('repair')
    .description(
      'Move aside what keeps a log from opening or from being read, and rescue what can be read. Removes nothing.',
    )
    .argument('<directory>', 'a log, or a folder above logs; no server may run on it')
    .option('--dry-run', 'show what would be done, and do nothing')
    .option(
      '--next-offset <offset>',
      'give the next record this offset or a higher one: for consumers that have seen more',
    )
    .option('--quiet', 'show no progress')
    .option('--json', 'print JSON for programs')
    .addHelpText(
      'after',
      `
What is moved goes to a new folder repair-<time> inside the log's directory, beside a report. What is lost stays lost.

Exit codes: 0 the log is sound; 3 a server has it open; 5 damage or losses remain, and are listed; 6 there is no log.

Examples:
  millrace log repair .millrace --dry-run
  millrace log repair .millrace/bus/bus/topics/greenhouse.reading/0
  millrace log repair .millrace/bus/bus/topics/greenhouse.reading/0 --next-offset 1042`,
    )
    .action(async (directory: string, flags: RepairFlags) => {
      const { dryRun: isDryRun = false, quiet = false, json = false } = flags
      const nextOffset = parseWhole('--next-offset', flags.nextOffset)
      const output = terminalOutput(json)
      const signal = untilInterrupted()
      const targets = await logTargets(directory, signal)
      refuseOpen(targets, directory)
      if (nextOffset !== undefined && targets.length > 1) throw ambiguous(targets.length)
      const progress = new ProgressLine('repairing', quiet)
      const logs: RepairReport[] = []
      for (const { files, directory: path, name } of targets) {
        const report = await repairLog({
          files,
          directory: path,
          runtime: nodeRuntime(),
          signal,
          nextOffset,
          isDryRun,
          onProgress: (state) => progress.show(name, state),
        }).finally(() => progress.clear())
        logs.push({ ...report, directory: name })
        if (!json) output.line(reportText(name, report, isDryRun))
      }
      const isSound = logs.every(
        ({ remaining, openFailure }) => remaining.length === 0 && openFailure === undefined,
      )
      if (json) output.data({ isSound, isDryRun, logs })
      const isUntouched = isDryRun && logs.some(({ actions }) => actions.length > 0)
      setExitCode(isSound && !isUntouched ? EXIT.ok : EXIT.damaged)
    })
}

/** All of them before the first is touched. */
function refuseOpen(targets: readonly LogTarget[], directory: string): void {
  const open = targets.find(({ owner }) => owner !== undefined)
  if (open?.owner === undefined) return
  throw millraceError('DIRECTORY_LOCKED', {
    directory: targets.length > 1 ? open.name : directory,
    owner: open.owner,
  })
}

function ambiguous(count: number): Error {
  return millraceError('CONFIGURATION_INVALID', {
    path: '--next-offset',
    seen: `${count} logs below the directory`,
    expected: 'the directory of one log, since each has offsets of its own',
  })
}

function reportText(name: string, report: RepairReport, isDryRun: boolean): string {
  const { actions, folder, after, openFailure, remaining } = report
  const lines = [style('bold', name)]
  if (actions.length === 0) lines.push('  There is nothing to do: opening it needs no help.')
  for (const action of actions)
    lines.push(`  ${isDryRun ? 'would ' : ''}${actionText(action, folder, isDryRun)}`)
  if (openFailure !== undefined) lines.push(`  ${style('red', 'It still does not open')}: ${openFailure}`)
  if (after !== undefined && actions.length > 0) lines.push(`  now ${verdictText(after)}`)
  if (remaining.length > 0) {
    lines.push('  What no repair brings back:')
    lines.push(...remaining.map(findingText))
  }
  return lines.join('\n')
}

function actionText(action: RepairAction, folder: string | undefined, isDryRun: boolean): string {
  const aside = folder ?? 'a folder repair-<time>'
  const verb = (infinitive: string, past: string) => (isDryRun ? infinitive : past)
  switch (action.kind) {
    case 'move-aside':
      return `${verb('move', 'moved')} ${action.file} to ${aside}: ${action.reason}`
    case 'rename':
    case 'finish-rescue':
      return `${verb('rename', 'renamed')} ${action.file} to ${action.to}: ${action.reason}`
    case 'rescue':
      return `${verb('copy', 'copied')} what can be read of ${action.file}, and ${verb('move', 'moved')} the original to ${aside}: ${action.reason}`
    case 'raise-mark':
      return `${verb('raise', 'raised')} the mark to ${action.toOffset}: ${action.reason}`
    case 'write-format':
      return `${verb('write', 'wrote')} format.json: ${action.reason}`
    case 'settle':
      return `${verb('open', 'opened')} it once, which settles this: ${action.reason}`
    default:
      return unreachable(action)
  }
}
