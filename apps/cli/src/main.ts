import { isAbort } from '@millrace/kernel'
import { Command, CommanderError } from 'commander'
import { addDeadLetterCommands } from './commands/dead-letters.ts'
import { addDevCommand } from './commands/dev.ts'
import { addDeviceCommands } from './commands/device.ts'
import { addInitCommand } from './commands/init.ts'
import { addLogCommands } from './commands/log.ts'
import { addProjectionCommands } from './commands/projections.ts'
import { addStartCommand } from './commands/start.ts'
import { addStatusCommand } from './commands/status.ts'
import { addStoreCommands } from './commands/store.ts'
import { addStreamCommands } from './commands/stream.ts'
import { addTopicCommands } from './commands/topic.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { terminalOutput } from './output.ts'
import { VERSION } from './version.ts'

/** Runs one command line; resolves with the exit code. Never throws. */
export async function main(words: readonly string[]): Promise<number> {
  const program = new Command('millrace')
    .description('An event backbone for connected devices.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(millrace --help shows what there is)')
    .configureHelp({ showGlobalOptions: true })
  let exitCode: number = EXIT.ok
  const setExitCode = (code: number) => {
    exitCode = code
  }
  for (const add of [
    addDevCommand,
    addStartCommand,
    addInitCommand,
    addStatusCommand,
    addDeviceCommands,
    addTopicCommands,
    addDeadLetterCommands,
    addStreamCommands,
    addProjectionCommands,
    addStoreCommands,
    addLogCommands,
  ]) {
    add(program, setExitCode)
  }
  applyToAll(program, (command) => command.exitOverride())
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (isAbort(error)) return EXIT.interrupted
    terminalOutput(words.includes('--json')).error(error)
    return exitCodeOf(error)
  }
}

function applyToAll(command: Command, change: (command: Command) => void): void {
  change(command)
  for (const child of command.commands) applyToAll(child, change)
}
