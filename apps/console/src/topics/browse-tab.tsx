import { Button, NumberInput, Select } from '@mantine/core'
import type { MessageBody, MessageListBody, TopicBody } from '@millrace/server/api-shapes'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useCallback, useState } from 'react'
import { useConsole, useShortcut } from '../console-context.ts'
import { formatCount } from '../format/number.ts'
import { Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import table from '../look/table.module.css'
import { MessageTable } from './message-table.tsx'
import styles from './topics.module.css'

const PAGE = 50

interface Paging {
  readonly list: MessageListBody
  readonly first: number
  /** Messages that came after the list was loaded. */
  readonly fresh: number
  readonly go: (from: number | undefined) => void
  readonly reload: () => void
}

/** The messages of one partition, a page at a time, in both directions. */
export function BrowseTab(props: {
  readonly topic: TopicBody
  readonly onOpen: (message: MessageBody) => void
}) {
  const { topic } = props
  const { api } = useConsole()
  const { partition: wanted = 0, from } = useSearch({ from: '/topics/$topic' })
  const navigate = useNavigate({ from: '/topics/$topic' })
  const partition = wanted < topic.partitions.length ? wanted : 0
  const query = useQuery({
    queryKey: ['messages', topic.name, partition, from ?? 'newest'],
    queryFn: ({ signal }) =>
      api.messages(topic.name, { partition, from: from ?? -PAGE, limit: PAGE }, { signal }),
    placeholderData: keepPreviousData,
  })
  const go = useCallback(
    (next: number | undefined) =>
      void navigate({ search: (now) => ({ ...now, from: next }), resetScroll: false }),
    [navigate],
  )
  const { refetch } = query
  const end = topic.partitions[partition]?.endOffset ?? 0
  return (
    <Panel>
      <QueryView query={query} loading={<RowsSkeleton rows={10} />}>
        {(list) => (
          <>
            <PageBar
              topic={topic}
              partition={partition}
              list={list}
              first={list.messages[0]?.offset ?? list.startOffset}
              fresh={Math.max(0, end - list.endOffset)}
              go={go}
              reload={() => void refetch()}
            />
            {list.messages.length === 0 ? (
              <EmptyState title="No messages in this partition">
                They appear as soon as something is published.
              </EmptyState>
            ) : (
              <MessageTable messages={list.messages} partitions={1} onOpen={props.onOpen} />
            )}
          </>
        )}
      </QueryView>
    </Panel>
  )
}

function PageBar(props: Paging & { readonly topic: TopicBody; readonly partition: number }) {
  const { list, first, fresh, go, reload } = props
  const { startOffset, endOffset, next } = list
  const earlier = useCallback(() => go(Math.max(startOffset, first - PAGE)), [go, startOffset, first])
  const later = useCallback(() => (next < endOffset ? go(next) : undefined), [go, next, endOffset])
  const newest = () => {
    go(undefined)
    reload()
  }
  useShortcut('[', 'Earlier messages', earlier)
  useShortcut(']', 'Later messages', later)
  return (
    <div className={table.bar}>
      <PartitionSelect topic={props.topic} partition={props.partition} />
      <Button.Group>
        <Button variant="default" onClick={() => go(startOffset)} disabled={first <= startOffset}>
          Oldest
        </Button>
        <Button variant="default" onClick={earlier} disabled={first <= startOffset}>
          Earlier
        </Button>
        <Button variant="default" onClick={later} disabled={next >= endOffset}>
          Later
        </Button>
        <Button variant="default" onClick={newest} disabled={next >= endOffset && fresh === 0}>
          {fresh > 0 && next >= endOffset ? `Newest (+${formatCount(fresh)})` : 'Newest'}
        </Button>
      </Button.Group>
      <OffsetForm go={go} />
      <Reach list={list} first={first} />
      <span className={table.barText}>
        {list.messages.length === 0
          ? 'empty'
          : `${formatCount(first)} to ${formatCount(next - 1)} of ${formatCount(startOffset)} to ${formatCount(endOffset - 1)}`}
      </span>
    </div>
  )
}

function PartitionSelect({ topic, partition }: { readonly topic: TopicBody; readonly partition: number }) {
  const navigate = useNavigate({ from: '/topics/$topic' })
  if (topic.partitions.length === 1) return null
  return (
    <Select
      className={styles.partition}
      aria-label="Partition"
      data={topic.partitions.map((each) => ({
        value: String(each.partition),
        label: `Partition ${each.partition}`,
      }))}
      value={String(partition)}
      allowDeselect={false}
      onChange={(value) =>
        void navigate({
          search: (now) => ({ ...now, from: undefined, partition: Number(value) || undefined }),
        })
      }
    />
  )
}

function OffsetForm({ go }: { readonly go: (from: number) => void }) {
  const [offset, setOffset] = useState<number | string>('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (offset !== '') go(Number(offset))
  }
  return (
    <form onSubmit={submit}>
      <NumberInput
        className={styles.jump}
        aria-label="Go to offset"
        placeholder="Go to offset"
        value={offset}
        onChange={setOffset}
        min={0}
        allowDecimal={false}
        hideControls
      />
    </form>
  )
}

/** Which part of the partition is shown. */
function Reach({ list, first }: { readonly list: MessageListBody; readonly first: number }) {
  const all = Math.max(1, list.endOffset - list.startOffset)
  const left = ((first - list.startOffset) / all) * 100
  const width = (list.messages.length / all) * 100
  return (
    <div className={styles.reach} aria-hidden="true">
      <div
        className={styles.reachPart}
        style={{ left: `min(${left}%, calc(100% - 5px))`, width: `${width}%` }}
      />
    </div>
  )
}
