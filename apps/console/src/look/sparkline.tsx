import type { SampleRing } from '../live/sample-ring.ts'
import { sparkPath } from './spark-path.ts'
import styles from './sparkline.module.css'

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
