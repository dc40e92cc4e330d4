import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Makes an empty database for one contender on a server, and says where it is. */
export async function databaseOf(serverUrl: string, contender: string): Promise<string> {
  const name = contender.replace(/\W/g, '_')
  const psql = spawn('psql', [serverUrl, '-qc', `CREATE DATABASE ${name}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(psql, 'exit')
  if (code !== 0) throw new Error(`psql could not make the database ${name}: exit code ${code}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}
