import { appendFile, mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figure.ts'
import { SPINE_HELP, spineCommand } from './spine/command-line.ts'

/** A bench: its arguments in, its figures out. */
interface Bench {
  readonly help: string
  run(args: readonly string[], progress: (line: string) => void): Promise<Figure[]>
}

/** Every bench, by name. A new one is one line here. */
const BENCHES: Readonly<Record<string, Bench>> = {
  spine: { help: SPINE_HELP, run: spineCommand },
}

const HELP = `npm run bench -- NAME [options]

Prints one JSON line a figure to standard output, and its progress to standard error. --save also appends the lines to
benchmarks/results/NAME-DATE.jsonl. --help after the name tells the options of a bench.

  ${Object.keys(BENCHES).join('\n  ')}`

const [name = '', ...args] = process.argv.slice(2)
process.exitCode = await main(BENCHES[name])

async function main(bench: Bench | undefined): Promise<number> {
  if (bench === undefined || args.includes('--help')) {
    console.log(bench?.help ?? HELP)
    return bench === undefined && name !== '--help' ? 2 : 0
  }
  const save = args.includes('--save')
  const figures = await bench.run(
    args.filter((arg) => arg !== '--save'),
    (line) => console.error(line),
  )
  const lines = figures.map((figure) => `${JSON.stringify(figure)}\n`).join('')
  process.stdout.write(lines)
  if (save) await keep(lines)
  return 0
}

async function keep(lines: string): Promise<void> {
  const directory = fileURLToPath(new URL('../results', import.meta.url))
  await mkdir(directory, { recursive: true })
  const file = `${directory}/${name}-${new Date().toISOString().slice(0, 10)}.jsonl`
  await appendFile(file, lines)
  console.error(`kept in ${file}`)
}
