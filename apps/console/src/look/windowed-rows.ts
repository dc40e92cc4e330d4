import { type RefObject, useLayoutEffect, useState } from 'react'

/** The rows to draw: from `first` up to, not including, `end`. */
export interface RowWindow {
  readonly first: number
  readonly end: number
}

/** Rows above and below the visible ones, so that scrolling shows no gaps. */
const OVERSCAN = 6

/** Which rows of a list can be seen when its top is `top` pixels below the top of a view of `height` pixels. */
export function visibleRows(count: number, rowHeight: number, top: number, height: number): RowWindow {
  const first = Math.max(0, Math.floor(-top / rowHeight) - OVERSCAN)
  const end = Math.min(count, Math.ceil((height - top) / rowHeight) + OVERSCAN)
  return first >= end ? { first: 0, end: Math.min(count, 2 * OVERSCAN) } : { first, end }
}

/** Follows the scrolling of the page: however long the list, only what can be seen is drawn. */
export function useWindowedRows(
  list: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): RowWindow {
  const [rows, setWindow] = useState<RowWindow>({ first: 0, end: Math.min(count, 40) })
  useLayoutEffect(() => {
    const look = () => {
      const top = list.current?.getBoundingClientRect().top ?? 0
      const next = visibleRows(count, rowHeight, top, window.innerHeight)
      setWindow((now) => (now.first === next.first && now.end === next.end ? now : next))
    }
    look()
    window.addEventListener('scroll', look, { passive: true })
    window.addEventListener('resize', look)
    return () => {
      window.removeEventListener('scroll', look)
      window.removeEventListener('resize', look)
    }
  }, [list, count, rowHeight])
  return rows
}
