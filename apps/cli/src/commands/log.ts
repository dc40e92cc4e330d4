import type { Command } from 'commander'
import { addDump } from '../log/dump-command.ts'
import { addInspect } from '../log/inspect-command.ts'
import { addRepair } from '../log/repair-command.ts'
import { addVerify } from '../log/verify-command.ts'
import type { SetExitCode } from './api-options.ts'

/** `millrace log inspect|verify|dump|repair`: the files of a log, without a server. */
export function addLogCommands(program: Command, setExitCode: SetExitCode): void {
  const log = program
    .command('log')
    .description('Look into the files of durable logs, check and repair them; needs no server.')
  addInspect(log)
  addVerify(log, setExitCode)
  addDump(log, setExitCode)
  addRepair(log, setExitCode)
}
