import styles from './presence.module.css'

/** On or off, in colour, shape and word. */
export function Presence({ connected }: { readonly connected: boolean }) {
  return (
    <span className={connected ? styles.on : styles.off}>
      <span className={styles.dot} aria-hidden="true" />
      {connected ? 'Connected' : 'Away'}
    </span>
  )
}
