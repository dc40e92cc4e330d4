import type { ReactNode } from 'react'
import styles from './tone.module.css'

export type Tone = 'calm' | 'accent' | 'warn' | 'bad'

/** A short word about a state. The word carries the meaning; the colour only helps. */
export function Tag({ tone = 'calm', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`${styles.tag} ${styles[tone]}`}>{children}</span>
}
