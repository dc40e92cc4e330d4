import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { devicePasswords } from '@millrace/server'
import { ChildProgram } from '../child-program.ts'

/** Something that takes readings over MQTT and answers each with a command. */
export interface Contender extends AsyncDisposable {
  readonly url: string
  /** All processes that it consists of. */
  readonly pids: readonly number[]
  readonly passwordOf?: (device: string) => string
}

/** A way to start one on an empty directory. */
export interface ContenderPlan {
  readonly name: string
  readonly settings: string
  start(directory: string): Promise<Contender>
}

/** Millrace as its own process, with more arguments for its Node: a profile, or limits of the heap. */
export function millrace(nodeArgs: readonly string[]): ContenderPlan {
  const defaults = 'defaults: every reading and every command durable before it is acknowledged'
  return {
    name: 'millrace',
    settings: nodeArgs.length === 0 ? defaults : `${defaults}; node ${nodeArgs.join(' ')}`,
    async start(directory) {
      const server = ChildProgram.startModule(siblingPath('server.ts'), [directory], nodeArgs)
      const url = await server.ready((said) =>
        typeof said === 'object' && said !== null && 'mqtt' in said ? String(said.mqtt) : undefined,
      )
      return {
        url,
        pids: [server.pid],
        passwordOf: await devicePasswords(directory),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  }
}

/** The path of a module beside this one. */
export function siblingPath(name: string): string {
  return join(fileURLToPath(new URL('.', import.meta.url)), name)
}
