import { Button, Tabs } from '@mantine/core'
import type { MessageBody, TopicBody } from '@millrace/server/api-shapes'
import { IconPlus } from '@tabler/icons-react'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { useShortcut } from '../console-context.ts'
import { formatBytes, formatCount, plural } from '../format/number.ts'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, QueryView } from '../look/states.tsx'
import { Tag } from '../look/tone.tsx'
import type { TopicSearch } from '../shell/searches.ts'
import { BrowseTab } from './browse-tab.tsx'
import { DeadLettersTab } from './dead-letters-tab.tsx'
import { FollowTab } from './follow-tab.tsx'
import { MessageDrawer } from './message-drawer.tsx'
import { PublishForm } from './publish-form.tsx'
import { useDeadLetterTopics, useTopics } from './use-topics.ts'

type Tab = NonNullable<TopicSearch['tab']>

/** One topic: its past, what comes in, and what nobody could process. */
export function TopicPage() {
  const { topic: name } = useParams({ from: '/topics/$topic' })
  const query = useTopics()
  const topic = query.data?.topics.find((each) => each.name === name)
  const [publishing, setPublishing] = useState(false)
  const publishable = topic !== undefined && !topic.system && !topic.exclusive
  useShortcut(
    'n',
    'Publish an event',
    useCallback(() => setPublishing(publishable), [publishable]),
  )
  return (
    <Page
      title={name}
      heading={
        <>
          <Link to="/topics">Topics</Link> <span className="soft">/</span> {name}
        </>
      }
      lead={topic && <TopicLead topic={topic} />}
      actions={
        publishable && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setPublishing(true)}>
            Publish an event
          </Button>
        )
      }
    >
      <QueryView query={query}>
        {() => (topic ? <TopicTabs key={name} topic={topic} /> : <NoSuchTopic name={name} />)}
      </QueryView>
      {publishable && <PublishForm topic={topic} opened={publishing} onClose={() => setPublishing(false)} />}
    </Page>
  )
}

function TopicLead({ topic }: { readonly topic: TopicBody }) {
  return (
    <>
      {plural(topic.messages, 'message')} in {plural(topic.partitions.length, 'partition')},{' '}
      {formatBytes(topic.bytes)} {topic.system && <Tag>system</Tag>}{' '}
      {topic.exclusive && <Tag>one writer</Tag>}
    </>
  )
}

function NoSuchTopic({ name }: { readonly name: string }) {
  return (
    <Panel>
      <EmptyState title={`There is no topic "${name}"`}>
        <Link to="/topics">See which topics there are</Link>
      </EmptyState>
    </Panel>
  )
}

function TopicTabs({ topic }: { readonly topic: TopicBody }) {
  const { tab = 'browse' } = useSearch({ from: '/topics/$topic' })
  const navigate = useNavigate({ from: '/topics/$topic' })
  const [opened, setOpened] = useState<Partial<MessageBody>>()
  const waiting = useDeadLetterTopics().data?.topics.find((each) => each.topic === topic.name)?.waiting ?? 0
  const choose = useCallback(
    (next: string | null) =>
      void navigate({
        search: (now) => ({ partition: now.partition, tab: next === 'browse' ? undefined : (next as Tab) }),
        replace: true,
      }),
    [navigate],
  )
  return (
    <Tabs value={tab} onChange={choose} keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="browse">Browse</Tabs.Tab>
        <Tabs.Tab value="follow">Follow live</Tabs.Tab>
        <Tabs.Tab value="dead-letters">
          Dead letters {waiting > 0 && <Tag tone="warn">{formatCount(waiting)}</Tag>}
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="browse">
        <BrowseTab topic={topic} onOpen={setOpened} />
      </Tabs.Panel>
      <Tabs.Panel value="follow">
        <FollowTab topic={topic} onOpen={setOpened} />
      </Tabs.Panel>
      <Tabs.Panel value="dead-letters">
        <DeadLettersTab topic={topic.name} waiting={waiting} onOpen={setOpened} />
      </Tabs.Panel>
      <MessageDrawer message={opened} onClose={() => setOpened(undefined)} />
    </Tabs>
  )
}
