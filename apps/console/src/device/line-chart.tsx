import 'uplot/dist/uPlot.min.css'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { formatValue } from '../format/number.ts'
import { formatTimeExactly } from '../format/time.ts'
import styles from './line-chart.module.css'

type Columns = readonly [times: number[], values: number[]]

/** A line over time that follows its data; under the pointer it names time and value, in all charts at once. */
export function LineChart(props: {
  readonly columns: Columns
  readonly height: number
  readonly label: string
}) {
  const { columns, height } = props
  const box = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const newest = useRef(columns)
  const scheme = useComputedColorScheme()
  newest.current = columns
  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme means other colours, read when it is made.
  useEffect(() => {
    const element = box.current!
    const made = new uPlot(
      chartOptions(element, height, (text) => {
        if (readout.current) readout.current.textContent = text
      }),
      newest.current as unknown as uPlot.AlignedData,
      element,
    )
    chart.current = made
    const resizing = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    resizing.observe(element)
    return () => {
      resizing.disconnect()
      made.destroy()
    }
  }, [height, scheme])
  useEffect(() => chart.current?.setData(columns as unknown as uPlot.AlignedData), [columns])
  return (
    <div className={styles.box}>
      <div ref={box} role="img" aria-label={props.label} style={{ height }} />
      <div ref={readout} className={styles.readout} aria-hidden="true" />
    </div>
  )
}

function chartOptions(element: HTMLElement, height: number, read: (text: string) => void): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const accent = colour('--accent')
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    font: `11.5px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'device' },
      y: false,
      drag: { x: false, y: false },
      points: { size: 7, fill: accent },
    },
    scales: { y: { range: valueRange } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 80, values: clockLabels },
      { ...axis, size: 48, space: 26, values: (_, splits) => splits.map((split) => formatValue(split)) },
    ],
    series: [
      {},
      {
        stroke: accent,
        width: 1.8,
        fill: (plot) => waterFill(plot, accent),
        points: { show: fewPoints, size: 5, fill: accent },
      },
    ],
    hooks: {
      setCursor: [
        (plot) => {
          const { idx } = plot.cursor
          const time = idx === null || idx === undefined ? undefined : plot.data[0][idx]
          const value = idx === null || idx === undefined ? undefined : plot.data[1]?.[idx]
          const seen = typeof time === 'number' && typeof value === 'number'
          read(seen ? `${formatTimeExactly(time * 1000).slice(0, 8)}  ${formatValue(value)}` : '')
        },
      ],
    },
  }
}

/** Few values are marked one by one: between them nothing was measured. */
const fewPoints = (plot: uPlot): boolean => plot.data[0].length < 40

/** A little air around the line, but none below zero for what is never negative. */
const valueRange: uPlot.Range.Function = (_, low, high) => {
  if (low === null || high === null) return [0, 1]
  const air = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.08
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air]
}

const clockLabels = (_: uPlot, splits: number[], __: number, ___: number, step: number): string[] =>
  splits.map((time) => formatTimeExactly(time * 1000).slice(0, step < 60 ? 8 : 5))

function waterFill(plot: uPlot, accent: string): CanvasGradient | string {
  const { top, height } = plot.bbox
  if (!Number.isFinite(height) || height <= 0) return 'transparent'
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height)
  gradient.addColorStop(0, `color-mix(in srgb, ${accent} 24%, transparent)`)
  gradient.addColorStop(1, `color-mix(in srgb, ${accent} 3%, transparent)`)
  return gradient
}
