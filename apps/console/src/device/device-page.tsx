import type { DeviceBody } from '@millrace/server/api-shapes'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { useConsole, useFleetDevice } from '../console-context.ts'
import { formatDuration } from '../format/time.ts'
import { Ago } from '../look/ago.tsx'
import { JsonBlock } from '../look/json-block.tsx'
import { useNow } from '../look/now.ts'
import { Page, Panel, Section } from '../look/page.tsx'
import { Presence } from '../look/presence.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import { CommandForm } from './command-form.tsx'
import { CommandList } from './command-list.tsx'
import styles from './device.module.css'
import { DeviceCharts } from './device-charts.tsx'

/** One device: is it there, what does it say, what was it told. */
export function DevicePage() {
  const { id } = useParams({ from: '/devices/$id' })
  const { api, live } = useConsole()
  const query = useQuery({ queryKey: ['device', id], queryFn: ({ signal }) => api.device(id, { signal }) })
  const { data } = query
  useEffect(() => {
    if (data) live.fleet.applyDevice(data)
  }, [data, live])
  return (
    <Page title={id} heading={<Heading id={id} />}>
      <QueryView
        query={query}
        loading={
          <Panel>
            <RowsSkeleton rows={10} />
          </Panel>
        }
      >
        {(body) => <DeviceView key={id} loaded={body} />}
      </QueryView>
    </Page>
  )
}

function Heading({ id }: { readonly id: string }) {
  return (
    <>
      <Link to="/">Fleet</Link> <span className="soft">/</span> {id}
    </>
  )
}

/** What was loaded, replaced by what the live feed says as soon as it says it. */
function DeviceView({ loaded }: { readonly loaded: DeviceBody }) {
  const body = useFleetDevice(loaded.id)?.body ?? loaded
  return (
    <>
      <Facts body={body} />
      <DeviceCharts device={body.id} types={Object.keys(body.last)} />
      <div className={styles.columns}>
        <Section title="Commands">
          <CommandList device={body.id} />
        </Section>
        <Section title="Send a command">
          <Panel padded>
            <CommandForm device={body.id} connected={body.connected} />
          </Panel>
        </Section>
      </div>
      <Section title="Newest event of each type">
        <LatestEvents last={body.last} />
      </Section>
    </>
  )
}

function Facts({ body }: { readonly body: DeviceBody }) {
  const now = useNow()
  const { connected } = body
  return (
    <dl className={styles.facts}>
      <Fact name="Presence">
        <Presence connected={connected} />
      </Fact>
      {connected && body.connectedAt && (
        <Fact name="Connected for">{formatDuration(Math.max(0, now - Date.parse(body.connectedAt)))}</Fact>
      )}
      {!connected && body.disconnectedAt && (
        <Fact name="Left">
          <Ago time={body.disconnectedAt} />
        </Fact>
      )}
      {!connected && body.disconnectReason && <Fact name="Reason">{body.disconnectReason}</Fact>}
      <Fact name="Last seen">
        <Ago time={body.lastSeenAt} />
      </Fact>
      {body.protocol && <Fact name="Protocol">{body.protocol === 'mqtt-5' ? 'MQTT 5' : 'MQTT 3.1.1'}</Fact>}
      {body.remoteAddress && <Fact name="Address">{body.remoteAddress}</Fact>}
      <Fact name="Commands pending">{body.commandsPending}</Fact>
    </dl>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function LatestEvents({ last }: { readonly last: DeviceBody['last'] }) {
  const events = Object.entries(last).sort(([a], [b]) => a.localeCompare(b))
  if (events.length === 0) {
    return (
      <Panel>
        <EmptyState title="This device has said nothing yet" />
      </Panel>
    )
  }
  return (
    <div className={styles.events}>
      {events.map(([type, { time, data }]) => (
        <div key={type}>
          <div className={styles.eventHead}>
            <Link to="/topics/$topic" params={{ topic: type }}>
              {type}
            </Link>
            <Ago time={time} />
          </div>
          <JsonBlock value={data} label={`Data of ${type}`} />
        </div>
      ))}
    </div>
  )
}
