import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readTarball } from '../src/pack/tarball.ts'
import type { PackedPackage } from '../src/pack.ts'

/** A registry of npm on this machine that holds these packages and nothing else. */
export interface Registry extends AsyncDisposable {
  readonly url: string
  /** What was asked for, tarballs aside. */
  readonly asked: ReadonlySet<string>
}

/** Serves what `npm install` reads: a document a package, and its tarballs. */
export async function openRegistry(packages: readonly PackedPackage[]): Promise<Registry> {
  const asked = new Set<string>()
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const tarball = packages.find((each) => path === fileOf(each))
    if (tarball) {
      response.end(readFileSync(tarball.path))
      return
    }
    asked.add(path)
    const known = packages.find(({ name }) => name === path)
    response.statusCode = known ? 200 : 404
    response.end(JSON.stringify(known ? documentOf(known, url) : { error: 'not found' }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url, asked, [Symbol.asyncDispose]: close }
}

function fileOf({ name, version }: PackedPackage): string {
  return `${name}/-/${version}.tgz`
}

function documentOf(each: PackedPackage, url: string): unknown {
  const { name, version, path } = each
  const bytes = readFileSync(path)
  const manifest = JSON.parse(readTarball(bytes).get('package.json') ?? '')
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  const dist = { tarball: `${url}${fileOf(each)}`, integrity }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
}
