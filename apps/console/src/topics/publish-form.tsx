import { Button, Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { PublishRequest, TopicBody } from '@millrace/server/api-shapes'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { problemOf } from '../api/problem.ts'
import { useConsole } from '../console-context.ts'
import { parseJson } from '../format/json.ts'
import { JsonInput } from '../look/json-input.tsx'
import { ProblemState } from '../look/states.tsx'
import styles from './topics.module.css'

/** Publishes one event to a topic; begins with the data of the newest one. */
export function PublishForm(props: {
  readonly topic: TopicBody
  readonly opened: boolean
  readonly onClose: () => void
}) {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={`Publish to ${props.topic.name}`}
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Fields topic={props.topic} onDone={props.onClose} />
    </Modal>
  )
}

function Fields({ topic, onDone }: { readonly topic: TopicBody; readonly onDone: () => void }) {
  const [data, setData] = useState('')
  const [subject, setSubject] = useState('')
  const [id, setId] = useState('')
  const example = useExample(topic)
  const publish = usePublish(topic.name, onDone)
  const parsed = parseJson(data)
  useEffect(() => {
    if (example !== undefined) setData((now) => (now === '' ? JSON.stringify(example, null, 2) : now))
  }, [example])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!parsed.ok) return
    publish.mutate({ data: parsed.value ?? null, ...given({ subject, id }) })
  }
  return (
    <form className={styles.form} onSubmit={submit}>
      <JsonInput
        label="Data"
        rows={7}
        value={data}
        onChange={setData}
        error={parsed.ok ? undefined : parsed.message}
      />
      <TextInput
        label="Subject"
        description="Whom it is about. Events with one subject keep their order."
        value={subject}
        onChange={(event) => setSubject(event.currentTarget.value)}
      />
      <TextInput
        label="Id"
        description="Made by the server if left empty. The same id again is recognised as a duplicate."
        value={id}
        onChange={(event) => setId(event.currentTarget.value)}
      />
      {publish.isError && <ProblemState problem={problemOf(publish.error)} />}
      <Button type="submit" loading={publish.isPending} disabled={!parsed.ok}>
        Publish
      </Button>
    </form>
  )
}

function given(texts: { subject: string; id: string }): Partial<PublishRequest> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text.trim() !== ''))
}

/** The data of the newest event: the form of what is expected. */
function useExample(topic: TopicBody): unknown {
  const { api } = useConsole()
  const { data } = useQuery({
    queryKey: ['example', topic.name],
    queryFn: ({ signal }) => api.messages(topic.name, { partition: 0, from: -1, limit: 1 }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return data?.messages[0]?.event?.data
}

function usePublish(topic: string, onDone: () => void) {
  const { api } = useConsole()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (event: PublishRequest) => api.publish(topic, event),
    onSuccess: ({ partition, offset, duplicate }) => {
      const place = `partition ${partition}, offset ${offset}`
      notifications.show(
        duplicate
          ? { title: 'It was there already', message: `The first one is at ${place}.` }
          : { title: 'Published', message: `Durable at ${place}.` },
      )
      void queries.invalidateQueries({ queryKey: ['messages', topic] })
      void queries.invalidateQueries({ queryKey: ['topics'] })
      onDone()
    },
  })
}
