import { SPINE_HELP, spineCommand } from './spine/command-line.ts'

/** `npm run torture -- NAME [options]` */
const [name, ...args] = process.argv.slice(2)

if (name === 'spine' && !args.includes('--help')) {
  process.exitCode = await spineCommand(args)
} else {
  console.log(SPINE_HELP)
  process.exitCode = name === 'spine' || name === '--help' ? 0 : 2
}
