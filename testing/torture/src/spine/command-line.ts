import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { summaryOfFindings } from '../finding.ts'
import { lieOf, wholeNumber } from '../options.ts'
import { LIES } from './lie.ts'
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
    lie: lieOf(LIES, values.lie),
    tell: (line) => (values.json ? console.error(line) : console.log(line)),
  })
  console.log(values.json ? JSON.stringify(report) : summaryOf(report))
  return report.findings.length === 0 ? 0 : 1
}

function summaryOf(report: SpineTortureReport): string {
  const { seed, kills, killsWhileStarting, published, acknowledged, inTopic, findings } = report
  return [
    `seed ${seed}: ${kills} kills (${killsWhileStarting} of them while starting) in ${report.seconds} s, ${report.connections} connections`,
    `${published} published, ${acknowledged} acknowledged, ${inTopic} in the topic, ${report.repeatsRecognised} repeats recognised`,
    `${report.alarms} alarms, ${report.commands} commands, ${report.commandsExecuted} executed`,
    ...summaryOfFindings(findings),
    ...(report.dataDirectory === undefined ? [] : [`data: ${report.dataDirectory}`]),
  ].join('\n')
}
