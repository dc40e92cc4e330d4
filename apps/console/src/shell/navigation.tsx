import { ActionIcon, Tooltip } from '@mantine/core'
import { IconFileStack, IconKeyboard, IconLayoutGrid, IconRipple, IconRouteSquare } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useLive } from '../console-context.ts'
import { MillWheel } from '../look/mill-wheel.tsx'
import { SchemeSwitch } from './scheme-switch.tsx'
import styles from './shell.module.css'

/** The rail on the left; on a small screen a bar at the top and one at the bottom. */
export function Navigation({ onShortcuts }: { readonly onShortcuts: () => void }) {
  const { stream, status } = useLive()
  const open = stream.kind === 'open'
  return (
    <header className={styles.rail}>
      <Link to="/" className={styles.brand} aria-label="Millrace, to the fleet">
        <MillWheel size={36} turning={open} />
        <span className={styles.name}>
          Millrace
          <span className={styles.application}>{status?.application ?? '\u00a0'}</span>
        </span>
      </Link>
      <nav className={styles.links} aria-label="Pages">
        <Link to="/" className={styles.link} activeOptions={{ exact: true, includeSearch: false }}>
          <IconLayoutGrid size={19} aria-hidden="true" /> Fleet
        </Link>
        <Link to="/topics" className={styles.link} activeOptions={{ includeSearch: false }}>
          <IconRipple size={19} aria-hidden="true" /> Topics
        </Link>
        <Link to="/documents" className={styles.link}>
          <IconFileStack size={19} aria-hidden="true" /> Documents
        </Link>
        <Link to="/processors" className={styles.link}>
          <IconRouteSquare size={19} aria-hidden="true" /> Processors
        </Link>
      </nav>
      <div className={styles.foot}>
        {status && (
          <span className={styles.engines}>
            {status.engines.bus} and {status.engines.store},{' '}
            {status.engines.durable ? 'durable' : 'not durable'}
            <br />
            version {status.version}
          </span>
        )}
        <span className={styles.live}>
          <span className={styles.liveDot} data-down={!open} aria-hidden="true" />
          <b>
            {open ? 'Live' : stream.kind === 'connecting' && stream.attempt === 0 ? 'Connecting' : 'Not live'}
          </b>
        </span>
        <span className={styles.tools}>
          <SchemeSwitch className={styles.tool} />
          <Tooltip label="Shortcuts (?)">
            <ActionIcon variant="subtle" className={styles.tool} onClick={onShortcuts} aria-label="Shortcuts">
              <IconKeyboard size={18} />
            </ActionIcon>
          </Tooltip>
        </span>
      </div>
    </header>
  )
}
