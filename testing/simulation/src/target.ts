/** What came of one seed. */
export interface SeedResult {
  readonly seed: number
  /** Crash points that were opened and compared; steps for the spine. */
  readonly points: number
  /** Undefined if everything held. */
  readonly failure: SeedFailure | undefined
}

/** A promise that was not kept. */
export interface SeedFailure {
  readonly what: string
  readonly where: string
  /** What to type to see it again. */
  readonly replay: string
}

/** Something that can be simulated under a seed. */
export interface Target {
  readonly name: string
  /** What `SeedResult.points` counts. */
  readonly unit: string
  run(seed: number): Promise<SeedResult>
  /** Runs one seed and tells what happens, line by line. */
  replay(seed: number, tell: (line: string) => void): Promise<SeedResult>
}

/** What to type to see a seed of a target again. */
export function replayCommand(target: string, seed: number): string {
  return `npm run sim -- ${target} ${seed}`
}
