import { Switch } from '@mantine/core'
import type { TopicBody } from '@millrace/server/api-shapes'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { formatBytes, formatCount, formatRate } from '../format/number.ts'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import table from '../look/table.module.css'
import { Tag } from '../look/tone.tsx'
import { useTopicRates } from './use-topic-rates.ts'
import { useDeadLetterTopics, useTopics } from './use-topics.ts'

/** All topics: what is in them and how fast it comes. */
export function TopicsPage() {
  const { system = false } = useSearch({ from: '/topics' })
  const navigate = useNavigate({ from: '/topics' })
  const query = useTopics()
  return (
    <Page
      title="Topics"
      lead="Durable logs: every event, in the order of its key."
      actions={
        <Switch
          label="Topics of Millrace itself"
          checked={system}
          onChange={(event) =>
            void navigate({ search: event.currentTarget.checked ? { system: true } : {}, replace: true })
          }
        />
      }
    >
      <Panel>
        <QueryView query={query} loading={<RowsSkeleton rows={5} />}>
          {({ topics }) => <TopicTable topics={topics.filter((topic) => system || !topic.system)} />}
        </QueryView>
      </Panel>
    </Page>
  )
}

function TopicTable({ topics }: { readonly topics: readonly TopicBody[] }) {
  const rates = useTopicRates(topics)
  const letters = useDeadLetterTopics().data?.topics ?? []
  if (topics.length === 0) {
    return (
      <EmptyState title="No topics yet">
        Each event type that the application declares gets a topic when the application starts.
      </EmptyState>
    )
  }
  return (
    <div className={table.scroll}>
      <table className={table.table}>
        <thead>
          <tr>
            <th>Topic</th>
            <th className={table.figure}>Messages</th>
            <th className={table.figure}>Per second</th>
            <th className={`${table.figure} ${table.wide}`}>Partitions</th>
            <th className={`${table.figure} ${table.wide}`}>Size</th>
            <th className={table.figure}>Dead letters</th>
          </tr>
        </thead>
        <tbody>
          {topics.map((topic) => (
            <TopicRow
              key={topic.name}
              topic={topic}
              rate={rates.get(topic.name)}
              dead={letters.find((each) => each.topic === topic.name)?.waiting ?? 0}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function TopicRow(props: {
  readonly topic: TopicBody
  readonly rate: number | undefined
  readonly dead: number
}) {
  const { topic, rate, dead } = props
  return (
    <tr>
      <td>
        <Link to="/topics/$topic" params={{ topic: topic.name }}>
          {topic.name}
        </Link>{' '}
        {topic.system && <Tag>system</Tag>} {topic.exclusive && <Tag>one writer</Tag>}
      </td>
      <td className={table.figure}>{formatCount(topic.messages)}</td>
      <td className={table.figure}>{rate === undefined ? '–' : formatRate(rate)}</td>
      <td className={`${table.figure} ${table.wide}`}>{topic.partitions.length}</td>
      <td className={`${table.figure} ${table.wide}`}>{formatBytes(topic.bytes)}</td>
      <td className={table.figure}>
        {dead === 0 ? (
          <span className="soft">0</span>
        ) : (
          <Link to="/topics/$topic" params={{ topic: topic.name }} search={{ tab: 'dead-letters' }}>
            <Tag tone="warn">{formatCount(dead)} waiting</Tag>
          </Link>
        )}
      </td>
    </tr>
  )
}
