import { Button } from '@mantine/core'
import { IconPlugConnected, IconPlugConnectedX } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useConsole, useLive } from '../console-context.ts'
import { plural } from '../format/number.ts'
import styles from './shell.module.css'

/** How long "back" is said, in milliseconds. */
const BACK_MS = 4_000

/** Says that what is shown is not live, what is done about it, and when it is over. */
export function LiveBanner() {
  const { live } = useConsole()
  const { stream, lost } = useLive()
  const down =
    stream.kind === 'waiting' ||
    stream.kind === 'refused' ||
    (stream.kind === 'connecting' && stream.attempt > 0)
  const back = useJustBack(down)
  // Always in the page, so that screen readers hear of the change.
  return (
    <div role="status" aria-live="polite" className={styles.announcements}>
      {down && (
        <div className={styles.banner}>
          <IconPlugConnectedX size={18} aria-hidden="true" />
          <span>
            <strong>The live connection is lost.</strong> What you see may be old.{' '}
            {stream.kind === 'refused' ? stream.problem.title : 'Connecting again by itself.'}
          </span>
          <Button
            size="compact-xs"
            variant="default"
            onClick={stream.kind === 'refused' ? () => live.start() : live.retryNow}
          >
            Connect now
          </Button>
        </div>
      )}
      {back && !down && (
        <div className={styles.banner} data-back="true">
          <IconPlugConnected size={18} aria-hidden="true" />
          <strong>The live connection is back.</strong>
        </div>
      )}
      {!down && !back && lost > 0 && <LostNote lost={lost} />}
    </div>
  )
}

/** Told once for each number, until it is dismissed. */
function LostNote({ lost }: { readonly lost: number }) {
  const [dismissed, setDismissed] = useState(0)
  if (dismissed === lost) return null
  return (
    <div className={styles.banner}>
      <IconPlugConnectedX size={18} aria-hidden="true" />
      <span>
        This browser is too slow for the stream: {plural(lost, 'live update')} left out. Topics have them all.
      </span>
      <Button size="compact-xs" variant="default" onClick={() => setDismissed(lost)}>
        Dismiss
      </Button>
    </div>
  )
}

function useJustBack(down: boolean): boolean {
  const [wasDown, setWasDown] = useState(false)
  useEffect(() => {
    if (down) return setWasDown(true)
    if (!wasDown) return undefined
    const timer = setTimeout(() => setWasDown(false), BACK_MS)
    return () => clearTimeout(timer)
  }, [down, wasDown])
  return wasDown && !down
}
