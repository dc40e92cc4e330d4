import { ActionIcon, Kbd, SegmentedControl, Select, TextInput, Tooltip } from '@mantine/core'
import { IconSearch, IconSortAscending, IconSortDescending } from '@tabler/icons-react'
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react'
import { useShortcut } from '../console-context.ts'
import { type FleetProperty, propertyLabel } from '../live/fleet-store.ts'
import { FLEET_ORDERS, type FleetSearch, PRESENCES } from '../shell/searches.ts'
import styles from './fleet.module.css'

type Presence = NonNullable<FleetSearch['presence']>
type Order = NonNullable<FleetSearch['order']>

const PRESENCE_NAMES: Record<Presence, string> = { all: 'All', connected: 'Connected', away: 'Away' }

/** Filter, order, and which property is drawn. */
export function FleetTools(props: {
  readonly search: FleetSearch
  readonly properties: readonly FleetProperty[]
  readonly property: FleetProperty | undefined
  readonly onChange: (next: Partial<FleetSearch>) => void
  readonly onEnter: () => void
  readonly onDown: () => void
}) {
  const { search, onChange } = props
  const orders: Record<Order, string> = {
    id: 'by name',
    value: props.property ? `by ${props.property.path}` : 'by value',
    seen: 'by last seen',
    pending: 'by commands',
  }
  return (
    <search className={styles.tools}>
      <FilterInput {...props} />
      <SegmentedControl
        size="sm"
        aria-label="Presence"
        data={PRESENCES.map((value) => ({ value, label: PRESENCE_NAMES[value] }))}
        value={search.presence ?? 'all'}
        onChange={(presence) =>
          onChange({ presence: presence === 'all' ? undefined : (presence as Presence) })
        }
      />
      <Select
        className={styles.select}
        aria-label="Property to show"
        placeholder="No values yet"
        data={props.properties.map((each) => ({
          value: each.key,
          label: propertyLabel(each, props.properties),
        }))}
        value={props.property?.key ?? null}
        disabled={props.properties.length === 0}
        allowDeselect={false}
        onChange={(show) => onChange({ show: show ?? undefined })}
      />
      <Select
        className={styles.select}
        aria-label="Order"
        data={FLEET_ORDERS.map((value) => ({ value, label: orders[value] }))}
        value={search.order ?? 'id'}
        allowDeselect={false}
        onChange={(order) => onChange({ order: (order ?? undefined) as Order | undefined })}
      />
      <Tooltip label={search.down ? 'Largest first' : 'Smallest first'}>
        <ActionIcon
          variant="default"
          size={36}
          aria-label={search.down ? 'Order: largest first' : 'Order: smallest first'}
          onClick={() => onChange({ down: search.down ? undefined : true })}
        >
          {search.down ? <IconSortDescending size={18} /> : <IconSortAscending size={18} />}
        </ActionIcon>
      </Tooltip>
    </search>
  )
}

/** Typed text filters at once; the address bar follows when the typing rests. */
function FilterInput(props: {
  readonly search: FleetSearch
  readonly onChange: (next: Partial<FleetSearch>) => void
  readonly onEnter: () => void
  readonly onDown: () => void
}) {
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(props.search.find ?? '')
  const given = props.search.find ?? ''
  useEffect(() => setText(given), [given])
  useShortcut(
    '/',
    'Filter the devices',
    useCallback(() => input.current?.select(), []),
  )
  const write = (find: string) => {
    setText(find)
    props.onChange({ find: find === '' ? undefined : find })
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') props.onEnter()
    if (event.key === 'ArrowDown') props.onDown()
    if (event.key === 'Escape') {
      write('')
      input.current?.blur()
    }
    if (event.key === 'ArrowDown') event.preventDefault()
  }
  return (
    <TextInput
      ref={input}
      className={styles.filter}
      aria-label="Filter devices"
      placeholder="Filter devices"
      leftSection={<IconSearch size={16} aria-hidden="true" />}
      rightSection={text === '' ? <Kbd size="xs">/</Kbd> : undefined}
      value={text}
      onChange={(event) => write(event.currentTarget.value)}
      onKeyDown={press}
    />
  )
}
