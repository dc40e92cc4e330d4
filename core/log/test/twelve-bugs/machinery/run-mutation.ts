import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ScenarioAnswer, ScenarioRequest } from './run-scenario.ts'

const MAIN = fileURLToPath(new URL('run-scenario.ts', import.meta.url))
/** How long a scenario may take, in milliseconds; one that turns in circles is red. */
const SCENARIO_MS_MAX = 20_000

/** Runs one scenario with edited sources in a process of its own. */
export async function runMutation(request: ScenarioRequest): Promise<ScenarioAnswer> {
  const env = { ...process.env, NODE_COMPILE_CACHE: '.cache/mutation-code', NODE_OPTIONS: '' }
  const child = spawn(process.execPath, [MAIN, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  })
  let said = ''
  let isLate = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, SCENARIO_MS_MAX)
  await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  if (isLate) return { outcome: 'red', message: 'the scenario turns in circles' }
  try {
    return JSON.parse(said.trimEnd().split('\n').at(-1) ?? '') as ScenarioAnswer
  } catch {
    return { outcome: 'broken', message: said }
  }
}

/** Does `work` for every item, so many at a time; the results in the order of the items. */
export async function several<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const waiting = items.entries()
  const next = async () => {
    for (const [index, item] of waiting) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  return results
}
