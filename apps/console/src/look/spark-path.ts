import type { SampleRing } from '../live/sample-ring.ts'

/** The path of a line through the samples, in a box of `width` × `height`; '' if there are fewer than two. */
export function sparkPath(ring: SampleRing, width: number, height: number): string {
  const [times, values] = ring.columns()
  if (times.length < 2) return ''
  const first = times[0]!
  const span = times.at(-1)! - first || 1
  const low = Math.min(...values)
  const range = Math.max(...values) - low
  return times
    .map((time, index) => {
      const x = ((time - first) / span) * width
      const y = range === 0 ? height / 2 : height - ((values[index]! - low) / range) * height
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
}
