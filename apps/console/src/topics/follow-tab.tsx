import { Button, Select } from '@mantine/core'
import type { MessageBody, TopicBody } from '@millrace/server/api-shapes'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useState } from 'react'
import { useShortcut } from '../console-context.ts'
import { formatCount, plural } from '../format/number.ts'
import { Panel } from '../look/page.tsx'
import { EmptyState, ProblemState } from '../look/states.tsx'
import table from '../look/table.module.css'
import { Tag } from '../look/tone.tsx'
import { MessageTable } from './message-table.tsx'
import styles from './topics.module.css'
import { FOLLOWED_MAX, type Follower, STREAMS_MAX, useTopicFollow } from './use-topic-follow.ts'

/** What comes in, as it comes in; can be held still. */
export function FollowTab(props: {
  readonly topic: TopicBody
  readonly onOpen: (message: MessageBody) => void
}) {
  const { topic } = props
  const numbers = topic.partitions.map((each) => each.partition)
  const together = numbers.length <= STREAMS_MAX
  const [chosen, setChosen] = useState(together ? 'all' : String(numbers[0]))
  const follower = useTopicFollow(topic.name, chosen === 'all' ? numbers : [Number(chosen)])
  const { view } = follower
  return (
    <Panel>
      <div className={table.bar}>
        {numbers.length > 1 && (
          <Select
            className={styles.partition}
            aria-label="Partition to follow"
            data={[
              ...(together ? [{ value: 'all', label: 'All partitions' }] : []),
              ...numbers.map((number) => ({ value: String(number), label: `Partition ${number}` })),
            ]}
            value={chosen}
            allowDeselect={false}
            onChange={(value) => setChosen(value ?? chosen)}
          />
        )}
        <FollowButtons follower={follower} />
        <FollowState follower={follower} />
      </div>
      {follower.refusal && <ProblemState problem={follower.refusal} />}
      {view.items.length === 0 ? (
        <EmptyState title={follower.paused ? 'Paused' : 'Waiting for messages'}>
          New messages appear here as they are accepted, the newest first.
        </EmptyState>
      ) : (
        <MessageTable
          messages={view.items}
          partitions={chosen === 'all' ? numbers.length : 1}
          onOpen={props.onOpen}
        />
      )}
    </Panel>
  )
}

function FollowButtons({ follower }: { readonly follower: Follower }) {
  const { paused, pause, resume, clear } = follower
  const toggle = paused ? resume : pause
  useShortcut('p', 'Pause and go on', toggle)
  return (
    <>
      <Button
        variant={paused ? 'filled' : 'default'}
        leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
        onClick={toggle}
      >
        {paused ? 'Go on' : 'Pause'}
      </Button>
      <Button variant="default" onClick={clear} disabled={follower.view.items.length === 0}>
        Clear
      </Button>
    </>
  )
}

function FollowState({ follower }: { readonly follower: Follower }) {
  const { view, paused, connected } = follower
  return (
    <span className={`${table.barText} ${styles.push}`} role="status">
      {paused && (
        <Tag tone="warn">
          {view.waiting === 0 ? 'Paused' : `Paused, ${formatCount(view.waiting)} waiting`}
        </Tag>
      )}
      {!paused && <Tag tone={connected ? 'accent' : 'warn'}>{connected ? 'Following' : 'Connecting'}</Tag>}{' '}
      {view.forgotten > 0 &&
        `the newest ${FOLLOWED_MAX}; ${plural(view.forgotten, 'older one')} left the list`}
    </span>
  )
}
