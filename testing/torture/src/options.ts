/** The number in an option of the command line. */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`${option} is ${text}, expected a whole number from 0`)
}

/** The lie that `--lie` names, if it names one. */
export function lieOf<Lie extends string>(lies: readonly Lie[], text: string | undefined): Lie | undefined {
  const lie = lies.find((name) => name === text)
  if (lie === undefined && text !== undefined)
    throw new Error(`--lie is ${text}, expected ${lies.join(' or ')}`)
  return lie
}
