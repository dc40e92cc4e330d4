import { useQuery } from '@tanstack/react-query'
import { useConsole } from '../console-context.ts'

/** All topics with their offsets, refreshed every two seconds. */
export function useTopics() {
  const { api } = useConsole()
  return useQuery({
    queryKey: ['topics'],
    queryFn: ({ signal }) => api.topics({ signal }),
    refetchInterval: 2_000,
  })
}

/** How many dead letters which topic has. */
export function useDeadLetterTopics() {
  const { api } = useConsole()
  return useQuery({
    queryKey: ['dead-letters'],
    queryFn: ({ signal }) => api.deadLetterTopics({ signal }),
    refetchInterval: 5_000,
  })
}
