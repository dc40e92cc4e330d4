import { Button, Skeleton } from '@mantine/core'
import type { ProblemBody } from '@millrace/server/api-shapes'
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { problemOf } from '../api/problem.ts'
import styles from './states.module.css'

/** Nothing here, and what would bring something. */
export function EmptyState({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <svg width="72" height="30" viewBox="0 0 72 30" aria-hidden="true" className={styles.ripples}>
        <path d="M2 8c6-5 11-5 17 0s11 5 17 0 11-5 17 0 11 5 17 0" />
        <path d="M10 17c5-4 9-4 13 0s9 4 13 0 9-4 13 0 9 4 13 0" />
        <path d="M22 25c3-3 6-3 9 0s6 3 9 0 6-3 9 0" />
      </svg>
      <p className={styles.emptyTitle}>{title}</p>
      {children && <div className={styles.emptyText}>{children}</div>}
    </div>
  )
}

/** What went wrong, what to do about it, and a way to try again. */
export function ProblemState({
  problem,
  onRetry,
}: {
  readonly problem: ProblemBody
  readonly onRetry?: () => void
}) {
  return (
    <div className={styles.problem} role="alert">
      <IconAlertTriangle size={20} aria-hidden="true" className={styles.problemIcon} />
      <div className={styles.problemBody}>
        <p className={styles.problemTitle}>{problem.title}</p>
        <p>{problem.detail}</p>
        {problem.remedy && (
          <p>
            <strong>What to do:</strong> {problem.remedy}
          </p>
        )}
        <p className={styles.problemCode}>
          <code className="mono">{problem.code}</code>
          {problem.status > 0 && <span> · HTTP {problem.status}</span>}
        </p>
      </div>
      {onRetry && (
        <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Rows that are on their way. */
export function RowsSkeleton({
  rows = 6,
  height = 22,
}: {
  readonly rows?: number
  readonly height?: number
}) {
  return (
    <div className={styles.rows} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => index).map((index) => (
        <Skeleton key={index} height={height} width={`${94 - ((index * 17) % 40)}%`} />
      ))}
    </div>
  )
}

/**
 * What a query has to show: rows on their way, a problem with a retry, or its data. Data that could not be refreshed
 * stays, under a note.
 */
export function QueryView<Data>(props: {
  readonly query: UseQueryResult<Data>
  readonly loading?: ReactNode
  readonly children: (data: Data) => ReactNode
}) {
  const { query } = props
  const retry = () => void query.refetch()
  if (query.data === undefined) {
    if (query.isError) return <ProblemState problem={problemOf(query.error)} onRetry={retry} />
    return props.loading ?? <RowsSkeleton />
  }
  return (
    <>
      {query.isError && <ProblemState problem={problemOf(query.error)} onRetry={retry} />}
      {props.children(query.data)}
    </>
  )
}
