import type { CommandBody } from '@millrace/server/api-shapes'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useConsole } from '../console-context.ts'

/** Commands of one device that are shown. */
const COMMANDS_MAX = 120

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

/** Puts a command's newest state in its place; one that is not known comes first. */
export function withCommand(commands: readonly CommandBody[], command: CommandBody): readonly CommandBody[] {
  const known = commands.find((each) => each.id === command.id)
  if (!known) return [command, ...commands].slice(0, COMMANDS_MAX)
  // The answer to a request may be older than what the live feed has said meanwhile.
  if (Date.parse(known.changedAt) > Date.parse(command.changedAt)) return commands
  return commands.map((each) => (each.id === command.id ? command : each))
}
