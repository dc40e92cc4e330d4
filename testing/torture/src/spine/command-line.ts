import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LIES, type Lie } from './lie.ts'
import { type SpineTortureReport, tortureSpine } from './torture-spine.ts'

/** What `npm run torture -- spine --help` prints. */
export const SPINE_HELP = `npm run torture -- spine [options]

Kills a server under load with kill -9, again and again, and compares what it says afterwards with what the world
outside knows. Exit code 0: every promise was kept. 1: one was not; the data directory is kept.

  --kills N    default: 20
  --seed N     moments of death; default: another one each time
  --devices N  default: 20
  --rate N     readings a second and device (default: 25)
  --data DIR   below which the data directory is made (default: .cache/torture)
  --lie NAME   makes it fail on purpose: ${LIES.join(' or ')}
  --json       the summary as JSON`

/** Runs the torture as the command line says; the exit code. */
export async function spineCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      devices: { type: 'string', default: '20' },
      rate: { type: 'string', default: '25' },
      data: { type: 'string', default: '.cache/torture' },
      lie: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const seed = wholeNumber('--seed', values.seed)
  const report = await tortureSpine({
    seed,
    kills: wholeNumber('--kills', values.kills),
    devices: wholeNumber('--devices', values.devices),
    ratePerDevice: wholeNumber('--rate', values.rate),
    dataDirectory: join(values.data, `spine-${seed}-${process.pid}`),
    lie: lieOf(values.lie),
    tell: (line) => (values.json ? console.error(line) : console.log(line)),
  })
  console.log(values.json ? JSON.stringify(report) : summaryOf(report))
  return report.findings.length === 0 ? 0 : 1
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`${option} is ${text}, expected a whole number from 0`)
}

function lieOf(text: string | undefined): Lie | undefined {
  const lie = LIES.find((name) => name === text)
  if (lie === undefined && text !== undefined)
    throw new Error(`--lie is ${text}, expected ${LIES.join(' or ')}`)
  return lie
}

function summaryOf(report: SpineTortureReport): string {
  const { seed, kills, killsWhileStarting, published, acknowledged, inTopic, findings } = report
  const broken = findings.flatMap(({ promise, count, examples }) => [
    `✗ ${promise}: ${count} times not`,
    ...examples.map((example) => `    ${example}`),
  ])
  return [
    `seed ${seed}: ${kills} kills (${killsWhileStarting} of them while starting) in ${report.seconds} s, ${report.connections} connections`,
    `${published} published, ${acknowledged} acknowledged, ${inTopic} in the topic, ${report.repeatsRecognised} repeats recognised`,
    `${report.alarms} alarms, ${report.commands} commands, ${report.commandsExecuted} executed`,
    ...(broken.length === 0 ? ['every promise was kept'] : broken),
    ...(report.dataDirectory === undefined ? [] : [`data: ${report.dataDirectory}`]),
  ].join('\n')
}
