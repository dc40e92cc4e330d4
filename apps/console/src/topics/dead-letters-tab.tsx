import { Button } from '@mantine/core'
import type { DeadLetterBody, MessageBody } from '@millrace/server/api-shapes'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useConsole } from '../console-context.ts'
import { formatCount, plural } from '../format/number.ts'
import { Ago } from '../look/ago.tsx'
import { Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import table from '../look/table.module.css'
import { Tag } from '../look/tone.tsx'
import { summaryOf } from './message-table.tsx'
import { type Replay, ReplayDialog } from './replay-dialog.tsx'
import styles from './topics.module.css'

const PAGE = 50

interface LettersProps {
  readonly topic: string
  readonly waiting: number
  readonly onOpen: (message: Partial<MessageBody>) => void
}

/** Messages that were given up: why, and another try for one of them or for all. */
export function DeadLettersTab({ topic, waiting, onOpen }: LettersProps) {
  const { api } = useConsole()
  // Where the pages before this one began: there is no other way back.
  const [begins, setBegins] = useState<readonly number[]>([0])
  const [asked, setAsked] = useState<Replay>()
  const from = begins.at(-1) ?? 0
  const query = useQuery({
    queryKey: ['dead-letters', topic, from],
    queryFn: ({ signal }) => api.deadLetters(topic, { from, limit: PAGE }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  })
  return (
    <Panel>
      <QueryView query={query} loading={<RowsSkeleton rows={6} />}>
        {({ letters, next }) =>
          letters.length === 0 && begins.length === 1 ? (
            <EmptyState title="No dead letters">
              A message that a processor gives up, and an event that does not fit its schema, would be kept
              here.
            </EmptyState>
          ) : (
            <>
              <div className={table.bar}>
                <span className={table.barText}>{plural(waiting, 'letter')} waiting</span>
                {(begins.length > 1 || letters.length === PAGE) && (
                  <Pager
                    onEarlier={begins.length > 1 ? () => setBegins(begins.slice(0, -1)) : undefined}
                    onLater={letters.length === PAGE ? () => setBegins([...begins, next]) : undefined}
                  />
                )}
                <Button
                  className={styles.push ?? ''}
                  disabled={waiting === 0}
                  onClick={() => setAsked({ count: waiting })}
                >
                  Replay all {formatCount(waiting)}
                </Button>
              </div>
              <ol className={styles.letters}>
                {letters.map((letter) => (
                  <Letter key={letter.offset} letter={letter} onOpen={onOpen} onReplay={setAsked} />
                ))}
              </ol>
            </>
          )
        }
      </QueryView>
      <ReplayDialog topic={topic} asked={asked} onClose={() => setAsked(undefined)} />
    </Panel>
  )
}

type Go = (() => void) | undefined

function Pager({ onEarlier, onLater }: { readonly onEarlier: Go; readonly onLater: Go }) {
  return (
    <Button.Group>
      <Button variant="default" disabled={!onEarlier} onClick={onEarlier}>
        Earlier
      </Button>
      <Button variant="default" disabled={!onLater} onClick={onLater}>
        Later
      </Button>
    </Button.Group>
  )
}

function Letter(props: {
  readonly letter: DeadLetterBody
  readonly onOpen: LettersProps['onOpen']
  readonly onReplay: (replay: Replay) => void
}) {
  const { letter } = props
  return (
    <li className={styles.letter} data-letter={letter.offset}>
      <div className={styles.letterHead}>
        <Tag tone="bad">{letter.code}</Tag>
        {letter.replayed && <Tag>replayed</Tag>}
        <span className={styles.letterSide}>
          given up by {letter.group} after {plural(letter.attempts, 'attempt')}, <Ago time={letter.diedAt} />
        </span>
      </div>
      <p className={styles.letterReason}>{letter.reason}</p>
      <p className={styles.letterSide}>
        {letter.message.key !== undefined && <strong>{letter.message.key}: </strong>}
        {summaryOf(letter.message)}
      </p>
      <div className={styles.letterActions}>
        <Button
          size="xs"
          variant="default"
          onClick={() => props.onOpen({ ...letter.message, topic: letter.topic })}
        >
          Details
        </Button>
        <Button
          size="xs"
          variant="light"
          disabled={letter.replayed}
          onClick={() => props.onReplay({ count: 1, offsets: [letter.offset], group: letter.group })}
        >
          Replay
        </Button>
      </div>
    </li>
  )
}
