import { type LogVerification, verifyLog } from '@millrace/log/inspection'
import type { Command } from 'commander'
import { type SetExitCode, untilInterrupted } from '../commands/api-options.ts'
import { EXIT } from '../exit-codes.ts'
import { style, terminalOutput } from '../output.ts'
import { ProgressLine } from './progress-line.ts'
import { type LogTarget, logTargets } from './target.ts'
import { bytesText, countText, findingText, verdictText } from './words.ts'

interface VerifyFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** `millrace log verify DIR` */
export function addVerify(log: Command, setExitCode: SetExitCode): void {
  log
    .command('verify')
    .description('Read everything and check every checksum, record, offset and link. Changes nothing.')
    .argument('<directory>', 'a log, or a folder above logs, such as a data directory')
    .option('--json', 'print JSON for programs')
    .option('--quiet', 'show no progress')
    .addHelpText(
      'after',
      `
Exit codes:
  0  every log is sound
  1  it could not be read, or a newer version wrote it
  2  the command line is wrong
  5  damage was found; the list says which bytes and which offsets
  6  there is no log
  130  interrupted, so nothing is known

Examples:
  millrace log verify .millrace
  millrace log verify .millrace --json --quiet || alert "damaged log"`,
    )
    .action(async (directory: string, { json = false, quiet = false }: VerifyFlags) => {
      const output = terminalOutput(json)
      const signal = untilInterrupted()
      const progress = new ProgressLine('verifying', quiet)
      const startedMs = performance.now()
      const logs: LogVerification[] = []
      try {
        for (const target of await logTargets(directory, signal)) {
          const found = await verifyTarget(target, progress, signal)
          logs.push({ ...found, directory: target.name })
          progress.clear()
          if (!json) output.line(verificationText(target, found))
        }
      } finally {
        progress.clear()
      }
      const isSound = logs.every((found) => found.isSound)
      const bytes = logs.reduce((sum, found) => sum + found.bytes, 0)
      const durationMs = Math.round(performance.now() - startedMs)
      if (json) output.data({ isSound, bytes, durationMs, logs })
      else output.line(summaryText(directory, logs, bytes, durationMs))
      setExitCode(isSound ? EXIT.ok : EXIT.damaged)
    })
}

function verifyTarget(
  { files, directory, name, owner }: LogTarget,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<LogVerification> {
  return verifyLog({
    files,
    directory,
    signal,
    isBeingWritten: owner !== undefined,
    onProgress: (state) => progress.show(name, state),
  })
}

function verificationText({ name, owner }: LogTarget, found: LogVerification): string {
  const lines = [`${style('bold', name)}  ${verdictText(found)}`, ...found.findings.map(findingText)]
  if (found.furtherFindings > 0) lines.push(`  … and ${countText(found.furtherFindings, 'finding')} more`)
  if (owner !== undefined)
    lines.push(`  open by ${owner}: verified up to the end that it had when it was read`)
  return lines.join('\n')
}

function summaryText(
  directory: string,
  logs: readonly LogVerification[],
  bytes: number,
  durationMs: number,
): string {
  const rate = bytesText(bytes / Math.max(0.001, durationMs / 1000))
  const checked = `${bytesText(bytes)} in ${(durationMs / 1000).toFixed(1)} s (${rate}/s)`
  const damaged = logs.filter(({ isSound }) => !isSound).length
  if (damaged === 0) return `${countText(logs.length, 'log')} sound: checked ${checked}.`
  return [
    `${damaged} of ${countText(logs.length, 'log')} damaged: checked ${checked}.`,
    `What is marked LOST is lost; everything else can still be read. Stop the server, then see what a repair would do:`,
    `  millrace log repair ${directory} --dry-run`,
  ].join('\n')
}
