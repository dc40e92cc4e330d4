import styles from './mill-wheel.module.css'

const PADDLES = [0, 45, 90, 135, 180, 225, 270, 315]

/** The mark of Millrace: a mill wheel in its channel. It turns while the live connection stands. */
export function MillWheel({
  size = 30,
  turning = false,
}: {
  readonly size?: number
  readonly turning?: boolean
}) {
  return (
    <svg width={size} height={size} viewBox="0 0 40 40" aria-hidden="true" className={styles.mark}>
      <g className={turning ? styles.turning : styles.wheel}>
        <circle cx="20" cy="18" r="11.2" fill="none" stroke="currentColor" strokeWidth="2.2" />
        <circle cx="20" cy="18" r="2.6" fill="currentColor" />
        {PADDLES.map((degrees) => (
          <g key={degrees} transform={`rotate(${degrees} 20 18)`}>
            <path d="M20 15.4V6.8" stroke="currentColor" strokeWidth="1.5" />
            <path d="M17.6 2.6h4.8" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
            <path d="M20 6.8V2.6" stroke="currentColor" strokeWidth="2.2" />
          </g>
        ))}
      </g>
      <path
        className={styles.water}
        d="M1 35.4c3.2-2.6 6.3-2.6 9.5 0s6.3 2.6 9.5 0 6.3-2.6 9.5 0 6.3 2.6 9.5 0"
        fill="none"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
    </svg>
  )
}
