import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  DocumentBody,
  DocumentListBody,
  MessageBody,
  MessageListBody,
  StatusBody,
  TopicBody,
} from '@millrace/server'

const PAGE = 1000

/** The HTTP API of the server under torture. */
export class ServerApi {
  readonly #url: string
  readonly #token: string

  private constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  static async open(url: string, dataDirectory: string): Promise<ServerApi> {
    return new ServerApi(url, (await readFile(join(dataDirectory, 'api-token'), 'utf8')).trim())
  }

  status(): Promise<StatusBody> {
    return this.#get('/api/status')
  }

  async topics(): Promise<readonly TopicBody[]> {
    return (await this.#get<{ readonly topics: readonly TopicBody[] }>('/api/topics')).topics
  }

  /** Some messages of the first partition; from -1: the newest. */
  async messages(topic: string, from: number, limit = PAGE): Promise<readonly MessageBody[]> {
    const path = `/api/topics/${topic}/messages?from=${from}&limit=${limit}`
    return (await this.#get<MessageListBody>(path)).messages
  }

  /** Every message of a topic, partition by partition, each from its start to its end. */
  async allMessages({ name, partitions }: TopicBody): Promise<readonly MessageBody[]> {
    const found: MessageBody[] = []
    for (const { partition, startOffset, endOffset } of partitions) {
      for (let from = startOffset; from < endOffset; ) {
        const path = `/api/topics/${name}/messages?partition=${partition}&from=${from}&limit=${PAGE}`
        const { messages, next } = await this.#get<MessageListBody>(path)
        if (next === from) throw new Error(`${name} ends at ${from}, but its end was said to be ${endOffset}`)
        found.push(...messages)
        from = next
      }
    }
    return found
  }

  /** Every document of a collection. */
  async documents(collection: string): Promise<readonly DocumentBody[]> {
    const found: DocumentBody[] = []
    for (let after = ''; ; ) {
      const page = await this.#get<DocumentListBody>(
        `/api/collections/${collection}/documents?limit=${PAGE}${after === '' ? '' : `&after=${after}`}`,
      )
      found.push(...page.documents)
      if (page.next === undefined) return found
      after = page.next
    }
  }

  async #get<Body>(path: string): Promise<Body> {
    const response = await fetch(this.#url + path, { headers: { authorization: `Bearer ${this.#token}` } })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Body
  }
}
