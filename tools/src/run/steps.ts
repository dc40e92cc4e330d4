import { toolPath } from '../programs.ts'
import type { Step } from './step.ts'

const MINUTE_MS = 60_000

/** What `npm run check` proves, the longest first, so that two processors are busy to the end. */
export const checkSteps: readonly Step[] = [
  vitestStep('unit', 5 * MINUTE_MS),
  { name: 'types', args: [toolPath('typescript'), '-b', '--pretty', 'false'], limitMs: 5 * MINUTE_MS },
  { name: 'format and lint', args: [toolPath('biome'), 'check', '--colors=off', '.'], limitMs: MINUTE_MS },
  { name: 'layers', args: ['tools/src/layers.ts'], limitMs: MINUTE_MS },
  { name: 'tidy', args: ['tools/src/tidy.ts'], limitMs: MINUTE_MS },
  { name: 'examples', args: ['tools/src/examples.ts'], limitMs: MINUTE_MS },
]

/** What `npm test` proves beside that, one after the other, since each wants the machine for itself. */
export const proofSteps: readonly Step[] = [
  vitestStep('int', 20 * MINUTE_MS),
  {
    name: 'console build',
    args: ['node_modules/vite/bin/vite.js', 'build', 'apps/console', '--logLevel', 'warn'],
    limitMs: 5 * MINUTE_MS,
    needs: 'apps/console/vite.config.ts',
  },
  scriptStep('packages', 'tools/src/pack.ts'),
  vitestStep('e2e', 15 * MINUTE_MS),
  scriptStep('simulation', 'testing/simulation/src/main.ts', 'spine', '--count', '200'),
  scriptStep('crashing logs', 'testing/simulation/src/main.ts', 'log', '--count', '6', '--jobs', '2'),
  scriptStep('crashing buses', 'testing/simulation/src/main.ts', 'bus', '--count', '12', '--jobs', '2'),
  scriptStep('short logs', 'testing/simulation/src/main.ts', 'log', '--exhaustive', '--operations', '6'),
  scriptStep('torture', 'testing/torture/src/main.ts', 'spine', '--kills', '3'),
  scriptStep('log torture', 'testing/torture/src/main.ts', 'log', '--kills', '60'),
  scriptStep('queue torture', 'testing/torture/src/main.ts', 'queue', '--kills', '40'),
  scriptStep('store torture', 'testing/torture/src/main.ts', 'store', '--kills', '20'),
]

function vitestStep(project: string, limitMs: number): Step {
  const report = `.cache/tests/${project}.json`
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const args = [toolPath('vitest'), 'run', '--project', project, '--passWithNoTests', ...reporters]
  return { name: `${project} tests`, args, limitMs, report }
}

function scriptStep(name: string, script: string, ...args: string[]): Step {
  return { name, args: [script, ...args], limitMs: 10 * MINUTE_MS, needs: script }
}
