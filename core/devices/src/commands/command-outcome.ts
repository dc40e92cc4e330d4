import { errorText, millraceError } from '@millrace/kernel'

/** What a device says about a command that it has dealt with. */
export interface ReportedOutcome {
  readonly state: 'done' | 'failed'
  /** The `result` of done, the `reason` of failed. */
  readonly outcome: unknown
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads the payload of an outcome: `{state: 'done', result?}` or `{state: 'failed', reason?}`; else `EVENT_INVALID`. */
export function readOutcome(payload: Uint8Array): ReportedOutcome {
  const report = parse(payload)
  if (typeof report === 'object' && report !== null && 'state' in report) {
    if (report.state === 'done')
      return { state: 'done', outcome: 'result' in report ? report.result : undefined }
    if (report.state === 'failed')
      return { state: 'failed', outcome: 'reason' in report ? report.reason : undefined }
  }
  const expected = '{"state": "done", "result": …} or {"state": "failed", "reason": …}'
  throw millraceError('EVENT_INVALID', {
    attribute: 'outcome',
    seen: JSON.stringify(report)?.slice(0, 200) ?? '',
    expected,
  })
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(payload))
  } catch (error) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'outcome',
      seen: errorText(error),
      expected: 'a JSON object',
    })
  }
}
