import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useConsole, useLive } from '../console-context.ts'
import { formatCount, formatRate } from '../format/number.ts'
import { useDeadLetterTopics } from '../topics/use-topics.ts'
import { useFleetIds } from './fleet-load.ts'
import styles from './flow.module.css'
import { waterPath } from './water-path.ts'

/** How it goes, in one strip: the stream of events as water in a channel, and the four figures to watch. */
export function FleetFlow() {
  const { rate, status } = useLive()
  const { devices } = status ?? {}
  const lag = status?.processors.reduce((sum, processor) => sum + processor.lag, 0)
  const failing = status?.processors.some((processor) => processor.state === 'failed')
  return (
    <section className={styles.flow} aria-label="Summary">
      <Water />
      <div className={styles.rate}>
        <span className={styles.rateFigure}>{rate === undefined ? '–' : formatRate(rate)}</span>
        <span className={styles.rateLabel}>events per second</span>
      </div>
      <div className={styles.figures}>
        <Figure label="devices connected" to="/">
          {devices ? formatCount(devices.connected) : '–'}
          {devices && <small> of {formatCount(devices.known)}</small>}
        </Figure>
        <PendingCommands />
        <Figure
          label={failing ? 'lag; a processor failed' : 'lag of processors'}
          to="/processors"
          alert={failing}
        >
          {lag === undefined ? '–' : formatCount(lag)}
        </Figure>
        <DeadLetters />
      </div>
    </section>
  )
}

function Figure(props: {
  readonly label: string
  readonly to: '/' | '/processors' | '/topics'
  readonly search?: object
  readonly alert?: boolean | undefined
  readonly children: ReactNode
}) {
  return (
    <Link
      to={props.to}
      search={props.search ?? {}}
      className={styles.figure}
      data-alert={props.alert === true}
    >
      <span className={styles.number}>{props.children}</span>
      <span className={styles.label}>{props.label}</span>
    </Link>
  )
}

function PendingCommands() {
  const { fleet } = useConsole().live
  const pending = useFleetIds().reduce((sum, id) => sum + (fleet.device(id)?.body.commandsPending ?? 0), 0)
  return (
    <Figure label="commands pending" to="/" search={{ order: 'pending', down: true }}>
      {formatCount(pending)}
    </Figure>
  )
}

function DeadLetters() {
  const { data } = useDeadLetterTopics()
  const waiting = data?.topics.reduce((sum, topic) => sum + topic.waiting, 0)
  return (
    <Figure label="dead letters waiting" to="/topics" alert={(waiting ?? 0) > 0}>
      {waiting === undefined ? '–' : formatCount(waiting)}
    </Figure>
  )
}

/** The rate of the last minutes as the level of the water. Drawn anew once every two seconds. */
function Water() {
  const { live } = useConsole()
  const { area, line } = waterPath(live.rates.history.columns()[1], 1200, 110)
  return (
    <svg className={styles.water} viewBox="0 0 1200 120" preserveAspectRatio="none" aria-hidden="true">
      <path className={styles.waterArea} d={area} />
      <path className={styles.waterLine} d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
