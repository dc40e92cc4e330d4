import { formatAgo, formatDateTime } from '../format/time.ts'
import { useNow } from './now.ts'

/** How long ago something was, kept up to date; the exact time as a tooltip. */
export function Ago({ time }: { readonly time: string | undefined }) {
  const now = useNow()
  if (time === undefined) return <span className="soft">never</span>
  return (
    <time dateTime={time} title={formatDateTime(Date.parse(time))}>
      {formatAgo(Date.parse(time), now)}
    </time>
  )
}
