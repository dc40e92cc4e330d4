import { Autocomplete, Button, NumberInput, TextInput } from '@mantine/core'
import type { CommandBody, CommandRequest } from '@millrace/server/api-shapes'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useCallback, useRef, useState } from 'react'
import { problemOf } from '../api/problem.ts'
import { useConsole, useShortcut } from '../console-context.ts'
import { withCommand } from '../live/command-trail.ts'
import { JsonInput } from '../look/json-input.tsx'
import { ProblemState } from '../look/states.tsx'
import { type CommandDraft, type DraftFaults, draftFaults, EMPTY_DRAFT, requestOf } from './command-draft.ts'
import styles from './device.module.css'
import { useCommands } from './use-commands.ts'

/** Sends a command to a device. What was sent appears in the list beside it. */
export function CommandForm({ device, connected }: { readonly device: string; readonly connected: boolean }) {
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const [tried, setTried] = useState(false)
  const name = useRef<HTMLInputElement>(null)
  const send = useSendCommand(device)
  const change = (next: Partial<CommandDraft>) => setDraft((now) => ({ ...now, ...next }))
  const faults = draftFaults(draft)
  const shown: DraftFaults = tried ? faults : faults.data === undefined ? {} : { data: faults.data }
  useShortcut(
    'c',
    'Write a command',
    useCallback(() => name.current?.focus(), []),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(faults).length > 0) return
    send.mutate(requestOf(draft), { onSuccess: () => setTried(false) })
  }
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <Autocomplete
        ref={name}
        label="Name"
        data={useSuggestions(device)}
        value={draft.name}
        onChange={(value) => change({ name: value })}
        error={shown.name}
        placeholder="open-vent"
        spellCheck={false}
      />
      <JsonInput label="Data" value={draft.data} onChange={(data) => change({ data })} error={shown.data} />
      <div className={styles.formRow}>
        <NumberInput
          label="Deadline in seconds"
          description="Not executed after that"
          value={draft.deadlineSeconds}
          onChange={(deadlineSeconds) => change({ deadlineSeconds })}
          error={shown.deadline}
          min={1}
        />
        <TextInput
          label="Idempotency key"
          description="Sent twice, executed once"
          value={draft.idempotencyKey}
          onChange={(event) => change({ idempotencyKey: event.currentTarget.value })}
          spellCheck={false}
        />
      </div>
      {!connected && <p className="soft">The device is away: the command waits for it until the deadline.</p>}
      {send.isError && <ProblemState problem={problemOf(send.error)} />}
      <Button type="submit" loading={send.isPending}>
        Send command
      </Button>
    </form>
  )
}

function useSendCommand(device: string) {
  const { api, live } = useConsole()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (request: CommandRequest) => api.sendCommand(device, request),
    onSuccess: (command) => {
      live.noteCommand(command)
      queries.setQueryData<{ commands: readonly CommandBody[] }>(['commands', device], (known) => ({
        commands: withCommand(known?.commands ?? [], command),
      }))
    },
  })
}

/** Names of commands that this device, or any other, was sent. */
function useSuggestions(device: string): string[] {
  const { live } = useConsole()
  const own = useCommands(device).data?.commands ?? []
  return [...new Set([...own.map((command) => command.name), ...live.commandNames()])]
}
