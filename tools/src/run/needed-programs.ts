import { findProgram } from '../programs.ts'

/** A program of the machine that some proofs need. */
export interface NeededProgram {
  readonly name: string
  /** Names under which it may be installed, any of which will do. */
  readonly programs: readonly string[]
  readonly why: string
  readonly install: string
}

export const neededPrograms: readonly NeededProgram[] = [
  {
    name: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    why: 'the e2e tests drive the console in it',
    install: 'apt-get install chromium',
  },
  {
    name: 'mosquitto',
    programs: ['mosquitto'],
    why: 'the bench compares with it',
    install: 'apt-get install mosquitto',
  },
]

/** A line for each program that this machine does not have: what is lost, and how to get it. */
export function missingPrograms(needed: readonly NeededProgram[] = neededPrograms, path?: string): string[] {
  return needed
    .filter(({ programs }) => findProgram(programs, path) === undefined)
    .map(({ name, why, install }) => `MISSING: ${name} (${why}). Install it with "${install}".`)
}
