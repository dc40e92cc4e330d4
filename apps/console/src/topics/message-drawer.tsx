import { Drawer } from '@mantine/core'
import type { MessageBody } from '@millrace/server/api-shapes'
import type { ReactNode } from 'react'
import { formatDateTime } from '../format/time.ts'
import { CodeBlock, JsonBlock } from '../look/json-block.tsx'
import styles from './topics.module.css'

/** All of a message: where it stands, its event, its headers. */
export function MessageDrawer(props: {
  readonly message: Partial<MessageBody> | undefined
  readonly onClose: () => void
}) {
  const { message, onClose } = props
  const title = message?.offset === undefined ? 'Dead message' : `Message ${message.offset}`
  return (
    <Drawer
      opened={message !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {message && <Details message={message} />}
    </Drawer>
  )
}

function Details({ message }: { readonly message: Partial<MessageBody> }) {
  const { event } = message
  const headers = Object.entries(message.headers ?? {})
  return (
    <div className={styles.details}>
      <dl className={styles.pairs}>
        <Pair name="Topic">{message.topic}</Pair>
        <Pair name="Partition">{message.partition}</Pair>
        <Pair name="Offset">{message.offset}</Pair>
        <Pair name="Accepted">{message.acceptedAt && formatDateTime(Date.parse(message.acceptedAt))}</Pair>
        <Pair name="Key">{message.key}</Pair>
        <Pair name="Type">{event && String(event.type)}</Pair>
      </dl>
      {event && (
        <section aria-label="Data">
          <h3 className={styles.partHead}>Data</h3>
          <JsonBlock value={event.data} label="data" />
        </section>
      )}
      <section aria-label="Whole message">
        <h3 className={styles.partHead}>
          {event ? 'Event' : message.text === undefined ? 'Value, base64' : 'Value'}
        </h3>
        {event ? (
          <JsonBlock value={event} label="event" />
        ) : (
          <CodeBlock text={message.text ?? message.base64 ?? ''} label="value" />
        )}
      </section>
      {headers.length > 0 && (
        <section aria-label="Headers">
          <h3 className={styles.partHead}>Headers</h3>
          <dl className={styles.pairs}>
            {headers.map(([name, value]) => (
              <Pair key={name} name={name}>
                <span className="mono">{value}</span>
              </Pair>
            ))}
          </dl>
        </section>
      )}
    </div>
  )
}

function Pair({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === undefined) return null
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
