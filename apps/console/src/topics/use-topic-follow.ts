import type { MessageBody, ProblemBody } from '@millrace/server/api-shapes'
import { useEffect, useMemo, useState } from 'react'
import { addressOf, authorization } from '../api/client.ts'
import { useConsole } from '../console-context.ts'
import { FLUSH_MS } from '../live/fleet-store.ts'
import { type LogView, MessageLog } from '../live/message-log.ts'
import { followEventStream, type StreamState } from '../stream/event-stream.ts'

/** Messages that a follower shows. */
export const FOLLOWED_MAX = 300
/** Streams open at a time: a browser allows six connections to one server, and the console needs some of them. */
export const STREAMS_MAX = 3

export interface Follower {
  readonly view: LogView<MessageBody>
  readonly paused: boolean
  /** The state of the worst stream. */
  readonly connected: boolean
  readonly refusal: ProblemBody | undefined
  pause(): void
  resume(): void
  clear(): void
}

/** Follows partitions of a topic from their ends on; draws again at most four times a second. */
export function useTopicFollow(topic: string, partitions: readonly number[]): Follower {
  const { tokens } = useConsole()
  const wanted = partitions.slice(0, STREAMS_MAX).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: other partitions begin another list.
  const log = useMemo(() => new MessageLog<MessageBody>(FOLLOWED_MAX), [topic, wanted])
  const [view, setView] = useState(() => log.view())
  const [paused, setPaused] = useState(false)
  const [states, setStates] = useState<Readonly<Record<string, StreamState>>>({})
  useEffect(() => {
    let fresh: MessageBody[] = []
    const streams = wanted.split(' ').map((partition) =>
      followEventStream({
        url: addressOf(`/api/topics/${encodeURIComponent(topic)}/live`, { from: 'end', partition }),
        headers: () => authorization(tokens.current()),
        onEvent: ({ name, data }) => {
          if (name === 'message') fresh = [...fresh, JSON.parse(data) as MessageBody].slice(-FOLLOWED_MAX)
        },
        onState: (state) => setStates((now) => ({ ...now, [partition]: state })),
      }),
    )
    const timer = setInterval(() => {
      if (fresh.length === 0) return
      log.add(fresh)
      fresh = []
      setView(log.view())
    }, FLUSH_MS)
    return () => {
      clearInterval(timer)
      for (const stream of streams) stream.close()
      setStates({})
    }
  }, [topic, wanted, log, tokens])
  const change = (run: () => void) => () => {
    run()
    setPaused(log.paused)
    setView(log.view())
  }
  const all = Object.values(states)
  return {
    view,
    paused,
    connected: all.length > 0 && all.every((state) => state.kind === 'open'),
    refusal: all.find((state) => state.kind === 'refused')?.problem,
    pause: change(() => log.pause()),
    resume: change(() => log.resume()),
    clear: change(() => log.clear()),
  }
}
