import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { ServicePlace } from './server-kind.ts'
import { STATE_DIRECTORY } from './state-directory.ts'

/** Whose process the server is; undefined: ours. */
export interface ServerOwner {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root, so that it runs as the user that Debian's package has made for it. */
const USER = 'postgres'
const INITDB_MS_MAX = 120_000

/** Where Debian's packages put the programs of each version, the newest first. */
export function postgresFolders(root = '/usr/lib/postgresql'): readonly string[] {
  if (!existsSync(root)) return []
  const versions = readdirSync(root).filter((name) => /^\d+$/.test(name))
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'))
}

/** The user to run as: ours, unless we are root. Throws if root has no such user to hand. */
export function postgresOwner(): ServerOwner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${USER}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) {
    throw new Error(`PostgreSQL does not run as root, and there is no user "${USER}" that it could run as.`)
  }
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * Makes the data of a server if there is none yet: UTF-8, checksums, and a password that only files of the owner hold.
 * `program` is the server's own; `initdb` stands beside it.
 */
export function makeCluster(program: string, { directory }: ServicePlace): void {
  const owner = postgresOwner()
  ownDirectory(directory, owner)
  if (existsSync(join(directory, 'PG_VERSION'))) return
  const passwordFile = passwordFileOf(directory)
  if (!existsSync(passwordFile)) {
    writeFileSync(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
    if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid)
  }
  const { status, stderr, error } = spawnSync(
    join(dirname(program), 'initdb'),
    [
      ...['-D', directory, '-U', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--locale', 'C', '--data-checksums'],
    ],
    { ...owner, cwd: directory, encoding: 'utf8', timeout: INITDB_MS_MAX },
  )
  if (status === 0) return
  const reason = error?.message ?? stderr.trim()
  throw new Error(
    `initdb could not make ${directory}: ${reason}. If it may not enter a directory above, let others pass it (chmod o+x).`,
  )
}

/** The address with the password, which stands in no list of processes. */
export function postgresUrl({ directory, port }: Pick<ServicePlace, 'directory' | 'port'>): string {
  const password = readFileSync(passwordFileOf(directory), 'utf8')
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${USER}`
}

function passwordFileOf(directory: string): string {
  return join(directory, '..', 'postgres.password')
}

/** The data is its owner's; the folders of ours above it let others pass, but not list them. */
function ownDirectory(directory: string, owner: ServerOwner | undefined): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (owner === undefined) return
  chownSync(directory, owner.uid, owner.gid)
  chmodSync(dirname(directory), 0o711)
  if (directory.startsWith(`${STATE_DIRECTORY}${sep}`)) chmodSync(STATE_DIRECTORY, 0o711)
}
