import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { useFleetDevice } from '../console-context.ts'
import { formatValue, plural } from '../format/number.ts'
import type { FleetDevice, FleetProperty } from '../live/fleet-store.ts'
import type { SampleRing } from '../live/sample-ring.ts'
import { Ago } from '../look/ago.tsx'
import { Presence } from '../look/presence.tsx'
import { Sparkline } from '../look/sparkline.tsx'
import { Tag } from '../look/tone.tsx'
import styles from './fleet.module.css'

/** Other values beside the chosen one. */
const OTHERS_MAX = 3

/** One device. Draws again when this device has changed, and for nothing else. */
export const FleetRow = memo(function FleetRow(props: {
  readonly id: string
  readonly index: number
  readonly top: number
  readonly active: boolean
  readonly property: FleetProperty | undefined
}) {
  const { id, index, property } = props
  const device = useFleetDevice(id)
  if (!device) return null
  const { body } = device
  const ring = property && device.sparks.get(property.key)
  return (
    <tr
      id={`device-row-${index}`}
      aria-rowindex={index + 2}
      aria-selected={props.active}
      className={styles.row}
      data-away={!body.connected}
      style={{ transform: `translateY(${props.top}px)` }}
    >
      <td className={styles.id}>
        <Link to="/devices/$id" params={{ id }} tabIndex={-1}>
          {id}
        </Link>
      </td>
      <td className={styles.presence}>
        <Presence connected={body.connected} />
      </td>
      <td className={`${styles.value} ${styles.right}`}>
        <Newest ring={ring} />
      </td>
      <td className={styles.spark}>
        <Sparkline ring={ring} />
      </td>
      <td className={styles.others}>{otherValues(device, property)}</td>
      <td className={styles.seen}>
        <Ago time={body.lastSeenAt} />
      </td>
      <td className={`${styles.pending} ${styles.right}`}>
        {body.commandsPending > 0 ? (
          <Tag tone="accent">
            {body.commandsPending}
            <span className="sr-only">{` ${plural(body.commandsPending, 'command')} pending`}</span>
          </Tag>
        ) : (
          <span className="soft">0</span>
        )}
      </td>
    </tr>
  )
})

function Newest({ ring }: { readonly ring: SampleRing | undefined }) {
  const newest = ring?.newest()
  if (!ring || !newest) return <span className="soft">–</span>
  return formatValue(newest.value, ring.fractional)
}

/** What else the same event says. */
function otherValues(device: FleetDevice, property: FleetProperty | undefined) {
  const prefix = `${property?.type}/`
  const others = [...device.sparks].filter(([key]) => key !== property?.key && key.startsWith(prefix))
  return others.slice(0, OTHERS_MAX).map(([key, ring]) => (
    <span key={key}>
      {key.slice(prefix.length)}{' '}
      <b>
        <Newest ring={ring} />
      </b>
    </span>
  ))
}
