import { Skeleton } from '@mantine/core'
import { problemOf } from '../api/problem.ts'
import { formatValue } from '../format/number.ts'
import type { PropertySeries } from '../live/device-series.ts'
import { Panel } from '../look/page.tsx'
import { ProblemState } from '../look/states.tsx'
import styles from './device.module.css'
import { LineChart } from './line-chart.tsx'
import { useDeviceSeries } from './use-device-series.ts'

/** A chart for every number that the device reports; the first one large. */
export function DeviceCharts({
  device,
  types,
}: {
  readonly device: string
  readonly types: readonly string[]
}) {
  const { series: all, version, past } = useDeviceSeries(device, types)
  // A single value is no line; it stands among the newest events.
  const series = all.filter((each) => each.ring.length > 1)
  const several = new Set(series.map((each) => each.type)).size > 1
  if (series.length === 0 && past.isFetching)
    return <Skeleton height={300} radius="md" aria-label="Loading charts" />
  return (
    <>
      {past.isError && <ProblemState problem={problemOf(past.error)} onRetry={() => void past.refetch()} />}
      {series.length > 0 && (
        <div className={styles.charts}>
          {series.map((each, index) => (
            <PropertyChart
              key={each.key}
              series={each}
              version={version}
              height={index === 0 ? 250 : 170}
              typed={several}
            />
          ))}
        </div>
      )}
    </>
  )
}

function PropertyChart(props: {
  readonly series: PropertySeries
  readonly version: number
  readonly height: number
  /** The event type is said as well, because there are several. */
  readonly typed: boolean
}) {
  const { path, type, ring } = props.series
  const columns = ring.columns()
  const [, values] = columns
  const newest = values.at(-1)
  const low = formatValue(Math.min(...values))
  const high = formatValue(Math.max(...values))
  return (
    <Panel>
      <figure className={styles.chart} style={{ margin: 0 }} data-chart={props.series.key}>
        <figcaption className={styles.chartHead}>
          <span className={styles.chartName}>{path}</span>
          {props.typed && <span className={styles.chartSide}>{type}</span>}
          <span className={styles.chartValue}>{newest === undefined ? '–' : formatValue(newest)}</span>
          {values.length > 0 && (
            <span className={styles.chartSide}>
              {low} to {high}
            </span>
          )}
        </figcaption>
        <LineChart
          columns={columns}
          height={props.height}
          label={`${path}: now ${newest === undefined ? 'unknown' : formatValue(newest)}, between ${low} and ${high} in the last ${values.length} readings`}
        />
      </figure>
    </Panel>
  )
}
