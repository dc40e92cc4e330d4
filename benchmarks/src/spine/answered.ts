/** Which readings are answered with a command: every so-manyth. The same for everybody; 1 unless told otherwise. */
export const ANSWER_EVERY_VARIABLE = 'MILLRACE_BENCH_ANSWER_EVERY'

/** How many readings share a command, for the processes that answer. */
export const answerEvery = Number(process.env[ANSWER_EVERY_VARIABLE] ?? 1)

/** True for the readings that are answered; spread over the devices, which take turns. */
export function isAnswered(index: number, every: number): boolean {
  return (index + Math.floor(index / 100)) % every === 0
}
