import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useShortcut } from '../console-context.ts'
import { LiveBanner } from './live-banner.tsx'
import { Navigation } from './navigation.tsx'
import styles from './shell.module.css'
import { ShortcutList } from './shortcut-list.tsx'

/** The frame of all pages: where one can go, how the live connection does, and the page itself. */
export function Shell() {
  const navigate = useNavigate()
  const [asking, setAsking] = useState(false)
  const main = useRef<HTMLElement>(null)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const entered = useRef(path)
  useEffect(() => {
    // Whoever uses the keyboard or a screen reader starts a new page at its beginning, not in the navigation.
    if (entered.current !== path) main.current?.focus({ preventScroll: true })
    entered.current = path
  }, [path])
  useShortcut(
    '?',
    'Show the shortcuts',
    useCallback(() => setAsking(true), []),
  )
  useShortcut(
    'g f',
    'Go to the fleet',
    useCallback(() => void navigate({ to: '/' }), [navigate]),
  )
  useShortcut(
    'g t',
    'Go to the topics',
    useCallback(() => void navigate({ to: '/topics' }), [navigate]),
  )
  useShortcut(
    'g d',
    'Go to the documents',
    useCallback(() => void navigate({ to: '/documents' }), [navigate]),
  )
  useShortcut(
    'g p',
    'Go to the processors',
    useCallback(() => void navigate({ to: '/processors' }), [navigate]),
  )
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <Navigation onShortcuts={() => setAsking(true)} />
      <main ref={main} id="content" className={styles.main} tabIndex={-1}>
        <LiveBanner />
        <div className={styles.content}>
          <Outlet />
        </div>
      </main>
      <ShortcutList opened={asking} onClose={() => setAsking(false)} />
    </div>
  )
}
