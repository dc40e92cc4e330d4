import { Button, Group, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { problemOf } from '../api/problem.ts'
import { useConsole } from '../console-context.ts'
import { plural } from '../format/number.ts'
import { ProblemState } from '../look/states.tsx'

/** What somebody wants to replay; without offsets, everything that waits. */
export interface Replay {
  readonly count: number
  readonly offsets?: readonly number[]
  readonly group?: string
}

/** Asks before dead letters are given back. */
export function ReplayDialog(props: {
  readonly topic: string
  readonly asked: Replay | undefined
  readonly onClose: () => void
}) {
  const { topic, asked, onClose } = props
  const replay = useReplay(topic, onClose)
  const close = () => {
    replay.reset()
    onClose()
  }
  const count = asked?.count ?? 0
  const what = plural(count, 'dead letter')
  return (
    <Modal
      opened={asked !== undefined}
      onClose={close}
      title={`Replay ${what}?`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p>
        {count === 1 ? 'The message goes' : 'The messages go'} back to{' '}
        {asked?.group ? <strong>{asked.group}</strong> : 'the processors'} that gave up, and{' '}
        {count === 1 ? 'is' : 'are'} tried again as if new. What fails again comes back here.
      </p>
      {replay.isError && <ProblemState problem={problemOf(replay.error)} />}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button data-autofocus loading={replay.isPending} onClick={() => asked && replay.mutate(asked)}>
          Replay {what}
        </Button>
      </Group>
    </Modal>
  )
}

function useReplay(topic: string, onDone: () => void) {
  const { api } = useConsole()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ offsets }: Replay) => api.replay(topic, offsets),
    onSuccess: ({ replayed }) => {
      notifications.show({ title: 'Replayed', message: `${plural(replayed, 'message')} given back.` })
      void queries.invalidateQueries({ queryKey: ['dead-letters'] })
      onDone()
    },
  })
}
