import type { MessageBody } from '@millrace/server/api-shapes'
import { memo } from 'react'
import { summarise } from '../format/json.ts'
import { formatTime } from '../format/time.ts'
import table from '../look/table.module.css'
import styles from './topics.module.css'

/** What one line can say of a message. */
export const summaryOf = (message: Partial<MessageBody>): string =>
  message.event
    ? summarise(message.event.data)
    : (message.text?.slice(0, 120) ?? (message.base64 ? 'bytes' : '–'))

/** Messages as rows; each opens its details. */
export function MessageTable(props: {
  readonly messages: readonly MessageBody[]
  /** The partitions that the messages are from; of several, each row names its own. */
  readonly partitions: number
  readonly onOpen: (message: MessageBody) => void
}) {
  const several = props.partitions > 1
  return (
    <div className={table.scroll}>
      <table className={table.table} aria-label="Messages">
        <thead>
          <tr>
            <th className={table.figure}>Offset</th>
            {several && <th className={`${table.figure} ${table.wide}`}>Partition</th>}
            <th>Accepted</th>
            <th className={table.wide}>Key</th>
            <th>Data</th>
          </tr>
        </thead>
        <tbody>
          {props.messages.map((message) => (
            <MessageRow
              key={`${message.partition}/${message.offset}`}
              message={message}
              several={several}
              onOpen={props.onOpen}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Messages never change: a row is drawn once. */
const MessageRow = memo(function MessageRow(props: {
  readonly message: MessageBody
  readonly several: boolean
  readonly onOpen: (message: MessageBody) => void
}) {
  const { message } = props
  return (
    <tr className={table.row}>
      <td className={table.figure}>
        <button
          type="button"
          className={table.open}
          aria-label={`Open message ${message.offset}`}
          onClick={() => props.onOpen(message)}
        >
          {message.offset}
        </button>
      </td>
      {props.several && <td className={`${table.figure} ${table.wide}`}>{message.partition}</td>}
      <td className={styles.time}>{formatTime(Date.parse(message.acceptedAt), Date.now())}</td>
      <td className={`${styles.key} ${table.wide}`}>{message.key ?? '–'}</td>
      <td className={styles.summary}>{summaryOf(message)}</td>
    </tr>
  )
})
