import { useQuery } from '@tanstack/react-query'
import { useConsole } from '../console-context.ts'

/** How the application is doing, refreshed every two seconds while a page shows it. */
export function useStatus() {
  const { api } = useConsole()
  return useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => api.status({ signal }),
    refetchInterval: 2_000,
  })
}
