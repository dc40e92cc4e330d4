import { peerVersion } from '../../log/stores/peer-packages.ts'
import { BATCH_EVENTS, reading, type StorePlan } from '../store-plan.ts'
import { connectPg } from './pg-client.ts'

/** Jobs in a table, as queues in PostgreSQL keep them: no streams, no versions, no order but that of their making. */
export function plainInsertsPlan(): StorePlan {
  return {
    id: 'plain-inserts',
    name: 'plain inserts',
    engine: 'postgres',
    role: 'peer',
    settings: `pg ${peerVersion('pg') ?? ''}, one connection; a table of jobs like that of pg-boss: id, name, data, state, priority, times, and an index for fetching`,
    open: async (_directory, url) => openInserts(url),
  }
}

const TABLES = `
CREATE TABLE job (id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, name text NOT NULL, priority integer NOT NULL
  DEFAULT 0, data jsonb, state text NOT NULL DEFAULT 'created', retry_count integer NOT NULL DEFAULT 0,
  start_after timestamptz NOT NULL DEFAULT now(), created_on timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON job (name, start_after) INCLUDE (priority, created_on, id) WHERE state < 'active';`
const INSERT = 'INSERT INTO job (name, data) VALUES ($1, $2)'
const INSERT_MANY =
  'INSERT INTO job (name, data) SELECT $1, each.data FROM unnest($2::jsonb[]) AS each (data)'

async function openInserts(url: string) {
  const client = await connectPg(url)
  await client.query(TABLES)
  return {
    steps: {
      'append one': async (turn: number) => {
        const values = ['reading', JSON.stringify(reading(turn))]
        await client.query({ name: 'insert', text: INSERT, values })
        return 1
      },
      'append batch': async (turn: number) => {
        const data = Array.from({ length: BATCH_EVENTS }, (_, index) => JSON.stringify(reading(turn + index)))
        await client.query({ name: 'insert-many', text: INSERT_MANY, values: ['reading', data] })
        return BATCH_EVENTS
      },
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
