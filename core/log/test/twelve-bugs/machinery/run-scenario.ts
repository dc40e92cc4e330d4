import { AssertionError } from 'node:assert'
import { readFileSync, writeSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Bug, Edit } from './bug.ts'
import { edited, urlOf } from './edit.ts'

/** What the parent says: one argument, as JSON. */
export interface ScenarioRequest {
  /** URL of the module that exports the `bug`. */
  readonly module: string
  readonly sentence: string
  readonly edits: readonly Edit[]
}

/** The answer, the last line of standard output. */
export interface ScenarioAnswer {
  /** `broken`: it ended otherwise than by an assertion of the scenario, or an edit was never loaded. */
  readonly outcome: 'green' | 'red' | 'broken'
  readonly message: string
}

/**
 * A program of its own, since a module is loaded once: runs one scenario with edited sources. The edits are made while
 * the files are loaded; nothing on the disk is changed.
 */
const { module, sentence, edits } = JSON.parse(process.argv[2] ?? '') as ScenarioRequest
const loaded = new Set<string>()

registerHooks({
  load(url, context, nextLoad) {
    const wanted = edits.filter((edit) => urlOf(edit) === url)
    if (wanted.length === 0) return nextLoad(url, context)
    loaded.add(url)
    const source = wanted.reduce(edited, readFileSync(fileURLToPath(url), 'utf8'))
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})

async function run(): Promise<ScenarioAnswer> {
  const { bug } = (await import(module)) as { readonly bug: Bug }
  const scenario = bug.scenarios[sentence]
  if (scenario === undefined) return { outcome: 'broken', message: `no scenario is called "${sentence}"` }
  const missing = edits.filter((edit) => !loaded.has(urlOf(edit))).map(({ file }) => file)
  if (missing.length > 0) return { outcome: 'broken', message: `the scenario never loads ${missing}` }
  try {
    await scenario()
    return { outcome: 'green', message: '' }
  } catch (error) {
    const outcome = error instanceof AssertionError ? 'red' : 'broken'
    return { outcome, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function answer(given: ScenarioAnswer): never {
  writeSync(1, `${JSON.stringify(given)}\n`)
  process.exit(0)
}

// Nothing waits any more, and the scenario has not ended: what it waits for will never come.
process.on('beforeExit', () => answer({ outcome: 'red', message: 'the scenario waits for ever' }))
process.on('unhandledRejection', (error) => answer({ outcome: 'broken', message: `nobody caught: ${error}` }))
process.on('uncaughtException', (error) =>
  answer({ outcome: 'broken', message: `nobody caught: ${error.stack}` }),
)
answer(await run().catch((error) => ({ outcome: 'broken', message: String(error?.stack ?? error) })))
