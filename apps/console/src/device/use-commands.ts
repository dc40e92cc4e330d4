import type { CommandBody } from '@millrace/server/api-shapes'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Api } from '../api/client.ts'
import { useConsole } from '../console-context.ts'
import { COMMANDS_TOPIC, isFinal, stepOf, withCommand } from '../live/command-trail.ts'
import type { LiveFeed } from '../live/live-feed.ts'

/** The newest messages of the commands topic that are searched for the steps of a device's commands. */
const STEPS_MAX = 1_000

/** The commands of a device, newest first; the live feed carries their states on. */
export function useCommands(device: string) {
  const { api, live } = useConsole()
  const queries = useQueryClient()
  useEffect(
    () =>
      live.onCommand((command) => {
        if (command.device !== device) return
        queries.setQueryData<{ commands: readonly CommandBody[] }>(['commands', device], (known) =>
          known ? { commands: withCommand(known.commands, command) } : known,
        )
        // The feed tells the newest state only: a quick command has steps that it never mentioned.
        if (isFinal(command.state)) void queries.invalidateQueries({ queryKey: ['command-steps', device] })
      }),
    [live, queries, device],
  )
  useQuery({
    queryKey: ['command-steps', device],
    queryFn: ({ signal }) => loadSteps(api, live, device, signal),
    retry: false,
  })
  return useQuery({
    queryKey: ['commands', device],
    queryFn: async ({ signal }) => {
      const list = await api.commandsOf(device, { signal })
      for (const command of list.commands) live.noteCommand(command)
      return list
    },
  })
}

/** When the commands of a device took their steps, as the topic of commands remembers it. Gives how many it found. */
async function loadSteps(api: Api, live: LiveFeed, device: string, signal: AbortSignal): Promise<number> {
  const topic = (await api.topics({ signal })).topics.find(({ name }) => name === COMMANDS_TOPIC)
  let found = 0
  for (const { partition } of topic?.partitions ?? []) {
    const query = { partition, from: -STEPS_MAX, limit: STEPS_MAX }
    for (const message of (await api.messages(COMMANDS_TOPIC, query, { signal })).messages) {
      const step = message.key === device ? stepOf(message) : undefined
      if (step) live.noteTimes(step.id, step.times)
      found += step ? 1 : 0
    }
  }
  return found
}
