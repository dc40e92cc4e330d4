import type { ProcessorBody, StatusBody } from '@millrace/server/api-shapes'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { formatBytes, formatCount } from '../format/number.ts'
import { formatDuration } from '../format/time.ts'
import { Ago } from '../look/ago.tsx'
import { Page, Panel, Section } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import { Tag, type Tone } from '../look/tone.tsx'
import styles from './processors.module.css'
import { useStatus } from './use-status.ts'

/** Everything that consumes with a checkpoint, and the process that it runs in. */
export function ProcessorsPage() {
  const query = useStatus()
  return (
    <Page
      title="Processors"
      lead="Actors decide, projections remember. Lag is what they have not finished yet."
    >
      <QueryView
        query={query}
        loading={
          <Panel>
            <RowsSkeleton rows={8} />
          </Panel>
        }
      >
        {(status) => (
          <>
            {status.processors.length === 0 ? (
              <Panel>
                <EmptyState title="No processors">
                  Add an actor or a projection to the application, and it appears here.
                </EmptyState>
              </Panel>
            ) : (
              <div className={styles.cards}>
                {status.processors.map((processor) => (
                  <Processor key={processor.name} processor={processor} />
                ))}
              </div>
            )}
            <Section title="This instance">
              <Instance status={status} />
            </Section>
          </>
        )}
      </QueryView>
    </Page>
  )
}

/** Any other state (failed) means that somebody should look. */
const TONES: ReadonlyMap<string, Tone> = new Map([
  ['running', 'accent'],
  ['draining', 'calm'],
  ['stopped', 'calm'],
  ['retrying', 'warn'],
])

function Processor({ processor }: { readonly processor: ProcessorBody }) {
  const { lastError } = processor
  return (
    <article className={styles.card} aria-label={processor.name}>
      <header className={styles.cardHead}>
        <h2 className={styles.cardName}>{processor.name}</h2>
        <span className="soft">{processor.kind}</span>
        <Tag tone={TONES.get(processor.state) ?? 'bad'}>{processor.state}</Tag>
      </header>
      <p className={styles.topics}>
        reads{' '}
        {processor.topics.map((topic) => (
          <Link key={topic} to="/topics/$topic" params={{ topic }}>
            {topic}
          </Link>
        ))}
      </p>
      <dl className={styles.figures}>
        <Figure name="Lag">{formatCount(processor.lag)}</Figure>
        <Figure name="Handled">{formatCount(processor.handled)}</Figure>
        <Figure name="In flight">{formatCount(processor.inFlight)}</Figure>
        <Figure name="Retried">{formatCount(processor.retried)}</Figure>
        <Figure name="Dead letters" alert={processor.deadLettered > 0}>
          {formatCount(processor.deadLettered)}
        </Figure>
      </dl>
      {lastError && (
        <p className={styles.error}>
          <strong>Last error</strong> <Ago time={lastError.at} />,{' '}
          <code className="mono">{lastError.code}</code>
          <br />
          {lastError.message}
        </p>
      )}
    </article>
  )
}

function Figure(props: { readonly name: string; readonly alert?: boolean; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd data-alert={props.alert === true}>{props.children}</dd>
    </div>
  )
}

function Instance({ status }: { readonly status: StatusBody }) {
  const { engines, listeners } = status
  const address = (listener: { host: string; port: number } | undefined) =>
    listener ? `${listener.host}:${listener.port}` : 'off'
  return (
    <Panel padded>
      <dl className={styles.figures}>
        <Figure name="Version">{status.version}</Figure>
        <Figure name="Up for">{formatDuration(status.uptimeMs)}</Figure>
        <Figure name="Memory">{formatBytes(status.memoryBytes)}</Figure>
        <Figure name="Bus">{engines.bus}</Figure>
        <Figure name="Store">{engines.store}</Figure>
        <Figure name="Acknowledged is durable" alert={!engines.durable}>
          {engines.durable ? 'yes' : 'no'}
        </Figure>
        <Figure name="MQTT">{address(listeners.mqtt)}</Figure>
        <Figure name="HTTP">{address(listeners.http)}</Figure>
      </dl>
      <h3 className={styles.countersTitle}>Counted since the start</h3>
      <dl className={styles.counters}>
        {Object.entries(status.counters).map(([name, count]) => (
          <div key={name}>
            <dt>{name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}</dt>
            <dd>{formatCount(count)}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
