import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figure.ts'
import { figureTable } from './figure-table.ts'
import { LOG_HELP, logCommand } from './log/command-line.ts'
import { SPINE_HELP, spineCommand } from './spine/command-line.ts'
import { STORE_HELP, storeCommand } from './store/command-line.ts'

/** A bench: its arguments in, its figures out. */
interface Bench {
  readonly help: string
  run(args: readonly string[], progress: (line: string) => void): Promise<Figure[]>
}

/** Every bench, by name. A new one is one line here. */
const BENCHES: Readonly<Record<string, Bench>> = {
  log: { help: LOG_HELP, run: logCommand },
  spine: { help: SPINE_HELP, run: spineCommand },
  store: { help: STORE_HELP, run: storeCommand },
}

const HELP = `npm run bench -- NAME [options]

Prints one JSON line a figure to standard output, and its progress to standard error. --help after the name tells the
options of a bench. For every bench:

  --table           prints a Markdown table instead
  --save            also appends the lines to benchmarks/results/NAME-DATE.jsonl
  --json-file FILE  also writes them there

Benches: ${Object.keys(BENCHES).join(', ')}`

const [name = '', ...args] = process.argv.slice(2)
process.exitCode = await main(BENCHES[name])

async function main(bench: Bench | undefined): Promise<number> {
  if (bench === undefined || args.includes('--help')) {
    console.log(bench?.help ?? HELP)
    return bench === undefined && name !== '--help' ? 2 : 0
  }
  const save = take('--save', 0) !== undefined
  const table = take('--table', 0) !== undefined
  const [file] = take('--json-file', 1) ?? []
  const figures = await bench.run(args, (line) => console.error(line))
  const lines = figures.map((figure) => `${JSON.stringify(figure)}\n`).join('')
  process.stdout.write(table ? figureTable(figures) : lines)
  if (file !== undefined) await writeFile(file, lines)
  if (save) await keep(lines)
  return 0
}

/** Takes an option and its values out of the arguments; undefined if it is not there. */
function take(option: string, values: number): string[] | undefined {
  const index = args.indexOf(option)
  return index < 0 ? undefined : args.splice(index, 1 + values).slice(1)
}

async function keep(lines: string): Promise<void> {
  const directory = fileURLToPath(new URL('../results', import.meta.url))
  await mkdir(directory, { recursive: true })
  const file = `${directory}/${name}-${new Date().toISOString().slice(0, 10)}.jsonl`
  await appendFile(file, lines)
  console.error(`kept in ${file}`)
}
