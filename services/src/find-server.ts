import { spawnSync } from 'node:child_process'
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isAtLeast, type Service, type Version } from './server-kind.ts'
import { PROGRAM_DIRECTORY } from './state-directory.ts'

/** A program of a server, as it is installed here. */
export interface FoundServer {
  readonly path: string
  readonly version: Version
}

/** Every installed program of the service, the newest version first. */
export function findServers(service: Service, path: string = process.env.PATH ?? ''): readonly FoundServer[] {
  const folders = [
    PROGRAM_DIRECTORY,
    ...path.split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    ...(service.folders?.() ?? []),
  ]
  const paths = service.programs.flatMap((name) => folders.map((folder) => join(folder, name)))
  // Known by what it is, but started by its name: Debian's redis-server is a link to a program that acts by its name.
  const byProgram = new Map(paths.filter(isExecutable).map((each) => [realpathSync(each), each]))
  return [...byProgram.values()]
    .flatMap((each) => {
      const version = versionOf(each)
      return version === undefined ? [] : [{ path: each, version }]
    })
    .sort((a, b) => (isAtLeast(a.version, b.version) ? -1 : 1))
}

/** The version that a program prints: `nats-server: v2.9.10`, `Redis server v=7.0.15`, `postgres (PostgreSQL) 15.18`. */
function versionOf(path: string): Version | undefined {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  const [, major, minor, patch = 0] = /(?:v=?|PostgreSQL\) )(\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout ?? '') ?? []
  return minor === undefined ? undefined : [Number(major), Number(minor), Number(patch)]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
