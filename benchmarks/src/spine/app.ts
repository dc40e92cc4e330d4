import { actor } from '@millrace/actors'
import { collection } from '@millrace/documents'
import { command, event } from '@millrace/kernel'
import { projection } from '@millrace/projections'
import { defineApp } from '@millrace/server'
import * as z from 'zod'
import { answerEvery, isAnswered } from './answered.ts'

const Reading = event(
  'bench.reading',
  z.object({ index: z.number(), celsius: z.number(), humidity: z.number(), note: z.string() }),
)
const Answer = command('answer', z.object({ cause: z.string() }))
const Device = collection(
  'devices-of-the-bench',
  z.object({ id: z.string(), readings: z.number(), celsius: z.number() }),
)

/** Answers readings with a command to the device that they came from. */
const answering = actor('answering', { on: Reading }, (reading) =>
  isAnswered(reading.data.index, answerEvery)
    ? Answer.to(String(reading.subject), { cause: reading.id }, { cause: reading, deadlineMs: 30_000 })
    : undefined,
)

const devices = projection('devices-of-the-bench', Device).on(Reading, (device, { subject, data }) => ({
  id: String(subject),
  readings: (device?.readings ?? 0) + 1,
  celsius: data.celsius,
}))

/** The application that the spine bench measures: every reading is durable, decided, answered, and in a document. */
export const spineApp = defineApp({
  name: 'spine-bench',
  devices: { mqtt: { port: 0 }, events: [Reading] },
  http: { port: 0 },
  actors: [answering],
  projections: [devices],
})
