import { LOG_HELP, logCommand, QUEUE_HELP, queueCommand } from './command-line.ts'
import { SPINE_HELP, spineCommand } from './spine/command-line.ts'
import { STORE_HELP, storeCommand } from './store/command-line.ts'

interface Command {
  readonly help: string
  run(args: readonly string[]): Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  log: { help: LOG_HELP, run: logCommand },
  queue: { help: QUEUE_HELP, run: queueCommand },
  spine: { help: SPINE_HELP, run: spineCommand },
  store: { help: STORE_HELP, run: storeCommand },
}

/** `npm run torture -- NAME [options]` */
const [name = '', ...args] = process.argv.slice(2)
const command = COMMANDS[name]

if (command !== undefined && !args.includes('--help')) {
  process.exitCode = await command.run(args)
} else {
  const shown = command === undefined ? Object.values(COMMANDS) : [command]
  console.log(shown.map(({ help }) => help).join('\n\n'))
  process.exitCode = command !== undefined || name === '--help' ? 0 : 2
}
