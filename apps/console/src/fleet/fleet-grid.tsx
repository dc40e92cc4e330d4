import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react'
import type { FleetProperty } from '../live/fleet-store.ts'
import { useMedia } from '../look/use-media.ts'
import { useWindowedRows } from '../look/windowed-rows.ts'
import type { FleetSearch } from '../shell/searches.ts'
import styles from './fleet.module.css'
import { FleetRow } from './fleet-row.tsx'

const ROW_PX = 50
const NARROW_ROW_PX = 78

type Order = NonNullable<FleetSearch['order']>

interface GridProps {
  readonly ref: Ref<HTMLTableElement>
  readonly ids: readonly string[]
  readonly search: FleetSearch
  readonly property: FleetProperty | undefined
  readonly onChange: (next: Partial<FleetSearch>) => void
  readonly onOpen: (id: string) => void
}

/**
 * The devices as a grid with one stop of the tab key: arrows choose, Enter opens. Draws only the rows that can be seen,
 * so ten thousand devices cost as much as forty.
 */
export function FleetGrid({ ref, ids, search, property, onChange, onOpen }: GridProps) {
  const table = useRef<HTMLTableElement>(null)
  const list = useRef<HTMLTableSectionElement>(null)
  const rowHeight = useMedia('(max-width: 860px)') ? NARROW_ROW_PX : ROW_PX
  const { first, end } = useWindowedRows(list, ids.length, rowHeight)
  const { active, press } = useActiveRow(ids, list, rowHeight, onOpen)
  useImperativeHandle(ref, () => table.current!)
  return (
    <table
      ref={table}
      className={styles.grid}
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the ARIA practices make grids of tables.
      role="grid"
      aria-label="Devices"
      aria-rowcount={ids.length + 1}
      aria-activedescendant={active === undefined ? undefined : `device-row-${active}`}
      tabIndex={0}
      onKeyDown={press}
    >
      <GridHead search={search} property={property} onChange={onChange} />
      <tbody ref={list} className={styles.rows} style={{ height: ids.length * rowHeight }}>
        {ids.slice(first, end).map((id, index) => (
          <FleetRow
            key={id}
            id={id}
            index={first + index}
            top={(first + index) * rowHeight}
            active={first + index === active}
            property={property}
          />
        ))}
      </tbody>
    </table>
  )
}

/** The row that the keyboard stands on, kept within the list and in sight. */
function useActiveRow(
  ids: readonly string[],
  list: { readonly current: HTMLElement | null },
  rowHeight: number,
  onOpen: (id: string) => void,
) {
  const [chosen, setChosen] = useState<string>()
  const active = chosen === undefined ? undefined : Math.max(0, ids.indexOf(chosen))
  const [moved, setMoved] = useState(0)
  useEffect(() => {
    const top = list.current?.getBoundingClientRect().top
    if (moved === 0 || active === undefined || top === undefined) return
    const rowTop = top + active * rowHeight
    if (rowTop < 80) window.scrollBy({ top: rowTop - 80 })
    const below = rowTop + rowHeight + 80 - window.innerHeight
    if (below > 0) window.scrollBy({ top: below })
  }, [moved, active, list, rowHeight])
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Enter' && chosen !== undefined) return onOpen(chosen)
    const page = Math.max(1, Math.floor(window.innerHeight / rowHeight) - 3)
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      j: 1,
      k: -1,
      PageDown: page,
      PageUp: -page,
    }
    const last = ids.length - 1
    const step = steps[event.key]
    const target =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? last
          : step === undefined
            ? undefined
            : (active ?? -1) + step
    if (target === undefined) return
    event.preventDefault()
    setChosen(ids[Math.min(last, Math.max(0, target))])
    setMoved((count) => count + 1)
  }
  return { active, press }
}

function GridHead({ search, property, onChange }: Pick<GridProps, 'search' | 'property' | 'onChange'>) {
  const order = search.order ?? 'id'
  const head = (name: Order, label: string, className?: string) => {
    const sorted = order === name
    const down = sorted && !search.down ? true : undefined
    return (
      <th className={className} aria-sort={sorted ? (search.down ? 'descending' : 'ascending') : 'none'}>
        <button
          type="button"
          tabIndex={-1}
          className={styles.sort}
          onClick={() => onChange({ order: name === 'id' ? undefined : name, down })}
        >
          {label}
          <span aria-hidden="true">{sorted ? (search.down ? ' ↓' : ' ↑') : ''}</span>
        </button>
      </th>
    )
  }
  return (
    <thead>
      <tr aria-rowindex={1} className={styles.head}>
        {head('id', 'Device')}
        <th>Presence</th>
        {head('value', property?.path ?? 'Value', styles.right)}
        <th>Last minutes</th>
        <th>Also</th>
        {head('seen', 'Last seen')}
        {head('pending', 'Commands', styles.right)}
      </tr>
    </thead>
  )
}
