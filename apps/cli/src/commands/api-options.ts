import type { Command } from 'commander'
import { type ApiClient, apiClient } from '../api-client.ts'
import { type Output, terminalOutput } from '../output.ts'

/** Sets the exit code of the whole command line. */
export type SetExitCode = (code: number) => void

interface ApiFlags {
  readonly url?: string
  readonly token?: string
  readonly data: string
  readonly json?: boolean
}

/** Adds the options of every command that talks to a running server. */
export function withApiOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'address of the server (default: the one that runs in the data directory; MILLRACE_URL)',
    )
    .option(
      '--token <token>',
      'API token (default: from the data directory; MILLRACE_TOKEN, which other users cannot see)',
    )
    .option('--data <directory>', 'data directory (MILLRACE_DATA)', process.env.MILLRACE_DATA ?? '.millrace')
    .option('--json', 'print JSON for programs')
}

/** The client and the output that those options ask for. */
export async function openApi(command: Command): Promise<{ api: ApiClient; output: Output }> {
  const { url, token, data, json = false } = command.opts<ApiFlags>()
  return { api: await apiClient({ url, token, dataDirectory: data }), output: terminalOutput(json) }
}

/** A signal that aborts when the user presses Ctrl-C or the process is asked to stop. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}
