import type { CommandBody } from '@millrace/server/api-shapes'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useConsole } from '../console-context.ts'
import { withCommand } from '../live/command-trail.ts'

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
      }),
    [live, queries, device],
  )
  return useQuery({
    queryKey: ['commands', device],
    queryFn: async ({ signal }) => {
      const list = await api.commandsOf(device, { signal })
      for (const command of list.commands) live.noteCommand(command)
      return list
    },
  })
}
