import type { FindingBook } from '../finding.ts'
import { parseReports } from '../process/report-line.ts'
import { WaitingProcess } from '../process/waiting-process.ts'
import type { LifeReport } from './life-report.ts'
import type { LogRecord } from './log-record.ts'

const READER = new URL('reader-main.ts', import.meta.url)

/** A reader beside the writers of one log, which is killed from time to time, too. */
export class LogFollower {
  readonly #root: string
  readonly #record: LogRecord
  readonly #findings: FindingBook
  #process: WaitingProcess | undefined
  #seen = 0

  constructor(root: string, record: LogRecord, findings: FindingBook) {
    this.#root = root
    this.#record = record
    this.#findings = findings
  }

  /** Records that it has told. */
  get seen(): number {
    return this.#seen
  }

  /** Begins to read, if it does not already. */
  async start(): Promise<void> {
    if (this.#process !== undefined) return
    this.#process = new WaitingProcess(READER)
    await this.#process.begin({ root: this.#root })
  }

  /** Takes note of what it has told. To be called while no writer lives: what is seen then must stay. */
  take(): void {
    const lines = this.#process?.takeLines() ?? ''
    for (const report of parseReports<LifeReport>(lines)) {
      if (report.kind === 'failed')
        this.#findings.add('a reader goes on beside writers that die', report.what)
      if (report.kind !== 'record') continue
      this.#seen += 1
      this.#record.see(report)
    }
  }

  async kill(): Promise<void> {
    const reader = this.#process
    if (reader === undefined) return
    reader.kill()
    const { isKilled } = await reader.ended
    this.take()
    this.#process = undefined
    if (!isKilled) this.#findings.add('a reader goes on beside writers that die', `it ended: ${reader.said}`)
  }
}
