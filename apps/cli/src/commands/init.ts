import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { millraceError } from '@millrace/kernel'
import type { Command } from 'commander'
import { terminalOutput } from '../output.ts'
import { VERSION } from '../version.ts'

const TEMPLATES = new URL('../../templates/', import.meta.url)
/** Template file → name in the new folder. Templates have another suffix so that no tool takes them for ours. */
const FILES = {
  'app.ts.txt': 'app.ts',
  'package.json.txt': 'package.json',
  'gitignore.txt': '.gitignore',
  'README.md.txt': 'README.md',
} as const

/** `millrace init DIRECTORY` */
export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('Make a new application in an empty or new folder.')
    .argument('<directory>')
    .option('--json', 'print JSON for programs')
    .addHelpText('after', '\nExample:\n  millrace init my-greenhouse && millrace dev my-greenhouse/app.ts')
    .action(async (directory: string, { json = false }: { json?: boolean }) => {
      const output = terminalOutput(json)
      const files = await writeApplication(resolve(directory))
      if (output.json) return output.data({ directory: resolve(directory), files })
      output.line(`made ${files.map((file) => join(directory, file)).join(', ')}`)
      output.line(`next: npx millrace dev ${join(directory, 'app.ts')}`)
    })
}

async function writeApplication(directory: string): Promise<string[]> {
  if (existsSync(directory) && (await readdir(directory)).length > 0) {
    throw millraceError('CONFIGURATION_INVALID', {
      path: '<directory>',
      seen: `${JSON.stringify(directory)}, which is not empty`,
      expected: 'an empty or new folder',
    })
  }
  await mkdir(directory, { recursive: true })
  const name =
    basename(directory)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^[^a-z]+/, '') || 'my-app'
  for (const [template, file] of Object.entries(FILES)) {
    const text = await readFile(new URL(template, TEMPLATES), 'utf8')
    await writeFile(
      join(directory, file),
      text.replaceAll('{{name}}', name).replaceAll('{{version}}', VERSION),
    )
  }
  return Object.values(FILES)
}
