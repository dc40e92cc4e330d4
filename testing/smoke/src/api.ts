import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A running instance: where it listens, and how to get in. */
export interface Instance {
  readonly url: string
  readonly mqttUrl: string
  readonly token: string
}

/** Finds the instance that runs on a data directory. */
export async function findInstance(dataDirectory: string): Promise<Instance> {
  const { url, mqtt } = JSON.parse(await readFile(join(dataDirectory, 'server.json'), 'utf8'))
  const token = (await readFile(join(dataDirectory, 'api-token'), 'utf8')).trim()
  return { url, mqttUrl: `mqtt://${mqtt.host}:${mqtt.port}`, token }
}

/** Asks the API; rejects with the problem's text if it answers with one. */
export async function get<Body>({ url, token }: Instance, path: string): Promise<Body> {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
  const body = (await response.json()) as Body & { readonly title?: string }
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${body.title}`)
  return body
}

/** Asks again and again until `find` finds something, for at most `limitMs`. */
export async function eventually<Found>(
  what: string,
  limitMs: number,
  find: () => Promise<Found | undefined>,
): Promise<Found> {
  const deadlineMs = performance.now() + limitMs
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > deadlineMs) throw new Error(`${what} did not happen within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
