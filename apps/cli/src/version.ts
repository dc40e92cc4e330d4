import { readFileSync } from 'node:fs'

/** The version of this command. Read once, at start-up. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version
