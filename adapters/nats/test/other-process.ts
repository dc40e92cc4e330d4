import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Request } from './fixtures/other-process.ts'

const SCRIPT = fileURLToPath(new URL('./fixtures/other-process.ts', import.meta.url))

/** Another process with a bus on the same server. */
export interface OtherProcess extends AsyncDisposable {
  readonly process: ChildProcess
  /** What it answers; rejects with the code of its error. */
  ask(request: Request): Promise<unknown>
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
}

export async function otherProcess(servers: string, prefix: string): Promise<OtherProcess> {
  const child = fork(SCRIPT, [servers, prefix])
  const answered = async () => {
    const [answer] = (await once(child, 'message')) as [Answer]
    if ('error' in answer) throw new Error(answer.error)
    return answer.ok
  }
  await answered()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return {
    process: child,
    ask: (request) => {
      child.send(request)
      return answered()
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
