import { type ReactNode, useEffect } from 'react'
import styles from './page.module.css'

/** Frame of a page: its heading, what can be done on it, and the title of the browser's tab. */
export function Page(props: {
  readonly title: string
  /** Instead of the plain title, e.g. with a link back. */
  readonly heading?: ReactNode
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  useEffect(() => {
    document.title = `${props.title} · Millrace`
  }, [props.title])
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div>
          <h1 className={styles.title}>{props.heading ?? props.title}</h1>
          {props.lead && <div className={styles.lead}>{props.lead}</div>}
        </div>
        {props.actions && <div className={styles.actions}>{props.actions}</div>}
      </header>
      {props.children}
    </div>
  )
}

/** A titled part of a page. */
export function Section(props: {
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <section className={styles.section} aria-label={props.title}>
      <div className={styles.sectionHead}>
        <h2 className={styles.sectionTitle}>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  )
}

/** A raised surface. */
export function Panel({
  children,
  padded = false,
}: {
  readonly children: ReactNode
  readonly padded?: boolean
}) {
  return <div className={`${styles.panel} ${padded ? styles.padded : ''}`}>{children}</div>
}
