import type { SampleRing } from '../live/sample-ring.ts'
import styles from './sparkline.module.css'

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

/** A small line of the last minutes. Says nothing to a screen reader: the value stands beside it. */
export function Sparkline({
  ring,
  width = 120,
  height = 26,
}: {
  readonly ring: SampleRing | undefined
  readonly width?: number
  readonly height?: number
}) {
  const path = ring ? sparkPath(ring, width - 6, height - 6) : ''
  return (
    <svg className={styles.spark} width={width} height={height} aria-hidden="true">
      {path === '' ? (
        <path className={styles.still} d={`M3 ${height / 2}h${width - 6}`} />
      ) : (
        <path className={styles.line} transform="translate(3 3)" d={path} />
      )}
    </svg>
  )
}
