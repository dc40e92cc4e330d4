import { findProgram } from '../programs.ts'

/** A program of the machine that some proofs need. */
export interface Service {
  readonly name: string
  /** Names of the program, any of which will do. */
  readonly programs: readonly string[]
  readonly why: string
  readonly install: string
}

export const services: readonly Service[] = [
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

/** The services that this machine does not have, as lines that say what is lost and how to get them. */
export function missingServices(list: readonly Service[] = services, path?: string): string[] {
  return list
    .filter(({ programs }) => findProgram(programs, path) === undefined)
    .map(({ name, why, install }) => `MISSING: ${name} (${why}). Install it with "${install}".`)
}
