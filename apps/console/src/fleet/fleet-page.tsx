import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo, useRef } from 'react'
import { problemOf } from '../api/problem.ts'
import { useConsole } from '../console-context.ts'
import { formatCount, plural } from '../format/number.ts'
import { useNow } from '../look/now.ts'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, ProblemState, RowsSkeleton } from '../look/states.tsx'
import type { FleetSearch } from '../shell/searches.ts'
import { FleetFlow } from './fleet-flow.tsx'
import { FleetGrid } from './fleet-grid.tsx'
import { useFleetIds, useFleetLoad } from './fleet-load.ts'
import { arrange } from './fleet-order.ts'
import { FleetTools } from './fleet-tools.tsx'

/** Orders that depend on live values are refreshed in steps of this many milliseconds: rows must not dance. */
const REORDER_MS = 3_000

/** All devices: who is there, what they say, and how it goes on with them. */
export function FleetPage() {
  const { fleet } = useConsole().live
  const search = useSearch({ from: '/' })
  const navigate = useNavigate({ from: '/' })
  const load = useFleetLoad()
  const ids = useFleetIds()
  const grid = useRef<HTMLTableElement>(null)
  const properties = fleet.properties()
  const property = properties.find(({ key }) => key === search.show) ?? fleet.mainProperty()
  const shown = useArranged(ids, search, property?.key)
  const change = useCallback(
    (next: Partial<FleetSearch>) => {
      void navigate({ search: (now) => ({ ...now, ...next }), replace: true, resetScroll: false })
    },
    [navigate],
  )
  const open = (id: string) => void navigate({ to: '/devices/$id', params: { id } })
  return (
    <Page title="Fleet" lead={<FleetLead shown={shown.length} all={ids.length} leftOut={fleet.leftOut} />}>
      <FleetFlow />
      <FleetTools
        search={search}
        properties={properties}
        property={property}
        onChange={change}
        onEnter={() => shown[0] !== undefined && open(shown[0])}
        onDown={() => grid.current?.focus()}
      />
      {load.isError && <ProblemState problem={problemOf(load.error)} onRetry={() => void load.refetch()} />}
      {ids.length === 0 && !load.isError && (
        <Panel>{load.isPending ? <RowsSkeleton rows={8} /> : <NoDevices />}</Panel>
      )}
      {ids.length > 0 && shown.length === 0 && (
        <NoMatch onClear={() => change({ find: undefined, presence: undefined })} />
      )}
      {shown.length > 0 && (
        <FleetGrid
          ref={grid}
          ids={shown}
          search={search}
          property={property}
          onChange={change}
          onOpen={open}
        />
      )}
    </Page>
  )
}

function useArranged(ids: readonly string[], search: FleetSearch, property: string | undefined) {
  const { fleet } = useConsole().live
  const now = useNow()
  const step = search.order === 'value' || search.order === 'seen' ? Math.floor(now / REORDER_MS) : 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: `step` stands for the live values that the order reads.
  return useMemo(
    () => arrange(ids, search, property, (id) => fleet.device(id)),
    [ids, search, property, fleet, step],
  )
}

function FleetLead({
  shown,
  all,
  leftOut,
}: {
  readonly shown: number
  readonly all: number
  readonly leftOut: number
}) {
  if (all === 0) return null
  return (
    <span aria-live="polite">
      {shown === all ? plural(all, 'device') : `${formatCount(shown)} of ${plural(all, 'device')}`}
      {leftOut > 0 && `; ${formatCount(leftOut)} more are not shown here`}
    </span>
  )
}

function NoDevices() {
  return (
    <EmptyState title="No device has connected yet">
      Devices appear here with their first connection. Point an MQTT client at this server, or run{' '}
      <code>npm start</code> in a clone of Millrace for a greenhouse with forty of them.
    </EmptyState>
  )
}

function NoMatch({ onClear }: { readonly onClear: () => void }) {
  return (
    <Panel>
      <EmptyState title="No device matches">
        <button type="button" className="link-button" onClick={onClear}>
          Show all devices
        </button>
      </EmptyState>
    </Panel>
  )
}
