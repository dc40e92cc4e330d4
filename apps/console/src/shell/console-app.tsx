import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { ConsoleContext, type ConsoleParts, useConsole } from '../console-context.ts'
import { cssVariables, theme } from '../look/theme.ts'
import { router } from './router.tsx'
import { TokenPage } from './token-page.tsx'

const schemes = localStorageColorSchemeManager({ key: 'millrace.scheme' })

/** The console: the look, the parts, and behind the token the pages. */
export function ConsoleApp({
  parts,
  queries,
}: {
  readonly parts: ConsoleParts
  readonly queries: QueryClient
}) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
    >
      <ConsoleContext value={parts}>
        <QueryClientProvider client={queries}>
          <Notifications position="bottom-right" limit={4} />
          <TokenGate />
        </QueryClientProvider>
      </ConsoleContext>
    </MantineProvider>
  )
}

/** The live feed runs exactly while there is a token that has not been refused. */
function TokenGate() {
  const { tokens, live } = useConsole()
  const token = useSyncExternalStore(tokens.subscribe, tokens.current)
  const rejected = useSyncExternalStore(tokens.subscribe, tokens.rejected)
  const open = token !== undefined && !rejected
  // biome-ignore lint/correctness/useExhaustiveDependencies: another token means another connection.
  useEffect(() => {
    if (!open) return undefined
    live.start()
    return () => live.close()
  }, [live, open, token])
  return open ? <RouterProvider router={router} /> : <TokenPage rejected={rejected} />
}
