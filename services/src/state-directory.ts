import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What this tool installs and keeps, outside of version control. */
export const STATE_DIRECTORY = fileURLToPath(new URL('../../.services', import.meta.url))
/** Programs that this tool has built. */
export const PROGRAM_DIRECTORY = join(STATE_DIRECTORY, 'bin')
