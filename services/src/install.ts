import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { type FoundServer, findServers } from './find-server.ts'
import { isAtLeast, NATS_DURABLE, type Service } from './server-kind.ts'
import { PROGRAM_DIRECTORY } from './state-directory.ts'

/** The nats-server that is built where the machine's package is too old. */
const NATS_MODULE = 'github.com/nats-io/nats-server/v2@v2.12.4'
const INSTALL_MS_MAX = 15 * 60_000

/** What could not be installed, with what a person can do instead. */
export class InstallFailure extends Error {
  override readonly name = 'InstallFailure'
}

/**
 * The best program for the service, installed if there is none that will do: Debian's package by apt, and for NATS, whose
 * package in Debian 12 cannot sync before it acknowledges, a newer server built by Go. An older server is returned if that
 * is all there is. `say` hears what is done.
 *
 * @throws InstallFailure if there is no program at all
 */
export function ensureServer(service: Service, say: (line: string) => void): FoundServer {
  if (willDo(service, findServers(service)[0])) return findServers(service)[0] as FoundServer
  if (findServers(service).length === 0) installByApt(service, say)
  if (service.name === 'nats' && !willDo(service, findServers(service)[0])) buildNats(say)
  const [best] = findServers(service)
  if (best !== undefined) return best
  throw new InstallFailure(
    `There is no ${service.programs[0]} here, and it could not be installed. As root: apt-get install ${service.debianPackage}. ` +
      'With Docker: docker compose -f services/compose.yaml up -d',
  )
}

function willDo(service: Service, server: FoundServer | undefined): boolean {
  return server !== undefined && (service.name !== 'nats' || isAtLeast(server.version, NATS_DURABLE))
}

/** RUNLEVEL=1 keeps the package from starting a server of its own. */
function installByApt({ debianPackage }: Service, say: (line: string) => void): void {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const apt = (...words: string[]) =>
    run([...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq', ...words])
  say(`installing ${debianPackage} with apt-get`)
  const install = () => apt('install', '-y', '--no-install-recommends', debianPackage)
  if (install()) return
  if (apt('update') && install()) return
  say(`apt-get could not install ${debianPackage}`)
}

function buildNats(say: (line: string) => void): void {
  if (!run(['go', 'version'])) {
    say('nats-server is older than 2.10, and there is no Go to build a newer one')
    return
  }
  mkdirSync(PROGRAM_DIRECTORY, { recursive: true, mode: 0o700 })
  say(`building ${NATS_MODULE} with Go`)
  if (!run(['go', 'install', NATS_MODULE], { GOBIN: PROGRAM_DIRECTORY, CGO_ENABLED: '0' }))
    say('it could not be built')
}

function run([program = '', ...words]: readonly string[], environment: Record<string, string> = {}): boolean {
  const { status } = spawnSync(program, words, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_MS_MAX,
  })
  return status === 0
}
