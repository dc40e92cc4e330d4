import type { ProblemBody } from '@millrace/server/api-shapes'

/** What went wrong, in the words of the API (RFC 9457); also for what only the browser can notice. */
export class ApiProblem extends Error {
  readonly body: ProblemBody

  constructor(body: ProblemBody) {
    super(body.detail)
    this.name = 'ApiProblem'
    this.body = body
  }
}

/** The problem in anything that was thrown. */
export function problemOf(thrown: unknown): ProblemBody {
  if (thrown instanceof ApiProblem) return thrown.body
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return local(
    'CONSOLE_FAILED',
    'The console failed',
    detail,
    'Reload the page. If it stays, report it.',
    false,
  )
}

/** The request reached nobody: connection refused, network gone, or no answer in time. */
export function unreachableProblem(thrown: unknown): ApiProblem {
  const late = thrown instanceof DOMException && thrown.name === 'TimeoutError'
  return new ApiProblem(
    local(
      late ? 'CONSOLE_TIMEOUT' : 'CONSOLE_UNREACHABLE',
      late ? 'The server takes too long' : 'The server does not answer',
      late ? 'No answer within the time limit.' : 'The request could not be sent, or the connection broke.',
      'See that millrace is running and that this machine can reach it, then try again.',
      true,
    ),
  )
}

/** Reads an error answer. Whatever a proxy in between says (HTML, nothing at all), a problem comes out. */
export async function problemOfResponse(response: Response): Promise<ApiProblem> {
  const said = await response.json().catch(() => undefined)
  if (isProblem(said)) return new ApiProblem({ ...said, status: response.status })
  return new ApiProblem(
    local(
      `HTTP_${response.status}`,
      `The server answered ${response.status}`,
      response.statusText || 'It gave no reason.',
      response.status >= 500
        ? 'Try again in a moment.'
        : 'See that the address belongs to a Millrace server.',
      response.status >= 500 || response.status === 429,
      response.status,
    ),
  )
}

function isProblem(said: unknown): said is ProblemBody {
  if (typeof said !== 'object' || said === null) return false
  const body = said as Partial<ProblemBody>
  return typeof body.title === 'string' && typeof body.detail === 'string' && typeof body.code === 'string'
}

function local(
  code: string,
  title: string,
  detail: string,
  remedy: string,
  retryable: boolean,
  status = 0,
): ProblemBody {
  return { type: 'about:blank', title, status, detail, code, remedy, retryable }
}
