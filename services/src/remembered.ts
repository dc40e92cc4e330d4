import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceName } from './server-kind.ts'
import { STATE_DIRECTORY } from './state-directory.ts'

/** A server that `up` has started, as the next command finds it. */
export interface RememberedServer {
  readonly name: ServiceName
  readonly pid: number
  /** When that process began, so that another one with the same pid is not taken for it; '' where nobody tells. */
  readonly born: string
  readonly url: string
  readonly monitorUrl?: string
  readonly version: string
  readonly directory: string
  readonly logFile: string
}

export function serviceDirectory(name: ServiceName): string {
  return join(STATE_DIRECTORY, name)
}

export function remember(server: RememberedServer): void {
  const path = stateFile(server.name)
  mkdirSync(serviceDirectory(server.name), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.tmp`, `${JSON.stringify(server, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

export function forget(name: ServiceName): void {
  rmSync(stateFile(name), { force: true })
}

/** The server of that name if it still runs. */
export function runningServer(name: ServiceName): RememberedServer | undefined {
  try {
    const server = JSON.parse(readFileSync(stateFile(name), 'utf8')) as RememberedServer
    return isAlive(server) ? server : undefined
  } catch {
    return undefined
  }
}

export function isAlive({ pid, born }: Pick<RememberedServer, 'pid' | 'born'>): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return born === '' || birthOf(pid) === born
}

/** Field 22 of Linux's /proc/PID/stat, the start in clock ticks since boot; a zombie has none. Elsewhere ''. */
export function birthOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '')
  } catch {
    return ''
  }
}

function stateFile(name: ServiceName): string {
  return join(serviceDirectory(name), 'server.json')
}
