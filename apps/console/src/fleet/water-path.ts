/** Samples across the whole width; fewer begin further right. */
const SAMPLES = 60

/**
 * Rates as a water level, smooth and without overshoot: the newest at the right edge, the highest of them at a quarter
 * of the height, nothing at the bottom.
 */
export function waterPath(
  rates: readonly number[],
  width: number,
  height: number,
): { area: string; line: string } {
  const shown = rates.slice(-SAMPLES)
  const [first] = shown
  if (first === undefined) return { area: '', line: '' }
  // What was before the first sample is not known: the level is drawn as if it had been the same.
  const levels = [...Array.from({ length: SAMPLES - shown.length }, () => first), ...shown]
  const top = Math.max(...levels, 1)
  const step = width / (SAMPLES - 1)
  const y = (level: number) => (height * (1 - (0.75 * level) / top)).toFixed(1)
  let line = `M0 ${y(levels[0]!)}`
  for (let index = 1; index < levels.length; index += 1) {
    const middle = ((index - 0.5) * step).toFixed(1)
    line += `C${middle} ${y(levels[index - 1]!)} ${middle} ${y(levels[index]!)} ${(index * step).toFixed(1)} ${y(levels[index]!)}`
  }
  return { line, area: `${line}V${height + 10}H0Z` }
}
