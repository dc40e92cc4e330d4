import { appErrors } from './app-errors.ts'
import { busErrors } from './bus-errors.ts'
import { deviceErrors } from './device-errors.ts'
import { documentErrors } from './document-errors.ts'
import { eventStoreErrors } from './event-store-errors.ts'
import { kernelErrors } from './kernel-errors.ts'
import { logErrors } from './log-errors.ts'
import { processingErrors } from './processing-errors.ts'
import { queueErrors } from './queue-errors.ts'

/** Every expected error of Millrace, by code. `docs/reference/errors.md` is generated from it. */
export const catalogue = {
  ...kernelErrors,
  ...logErrors,
  ...queueErrors,
  ...busErrors,
  ...processingErrors,
  ...deviceErrors,
  ...documentErrors,
  ...eventStoreErrors,
  ...appErrors,
}
