/**
 * Resolves when no promise reaction is left to run, however long the chains are: a turn of the loop comes after all
 * of them. Nothing in a simulated world waits for anything else, so the turn itself decides nothing.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
