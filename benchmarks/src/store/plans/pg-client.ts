import { loadPeer } from '../../log/stores/peer-packages.ts'

/** As much of a client of `pg` as is used here. */
export interface PgClient {
  connect(): Promise<void>
  query(
    query: string | { name: string; text: string; values: readonly unknown[] },
  ): Promise<{ rows: readonly Record<string, unknown>[] }>
  end(): Promise<void>
}

/** One connection of the peers' own `pg`. */
export async function connectPg(url: string): Promise<PgClient> {
  const { Client } = loadPeer<{ Client: new (url: string) => PgClient }>('pg')
  const client = new Client(url)
  await client.connect()
  return client
}
