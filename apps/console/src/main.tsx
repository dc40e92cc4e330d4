import './look/mantine.css'
import './look/look.css'
import { QueryClient } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { authorization, createApi } from './api/client.ts'
import { problemOf } from './api/problem.ts'
import { createTokenBox, takeTokenFromAddress } from './api/token.ts'
import type { ConsoleParts } from './console-context.ts'
import { LiveFeed } from './live/live-feed.ts'
import { ConsoleApp } from './shell/console-app.tsx'
import { listenToKeys, ShortcutBook } from './shell/shortcut-book.ts'

function storage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined // Blocked by the browser: the token lives as long as the page.
  }
}

const tokens = createTokenBox(storage())
takeTokenFromAddress(tokens, window)
window.addEventListener('hashchange', () => takeTokenFromAddress(tokens, window))

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      refetchOnWindowFocus: true,
      // Only what may go away by itself is asked again; the page shows the rest at once.
      retry: (failures, thrown) => failures < 1 && problemOf(thrown).retryable,
      retryDelay: 600,
    },
  },
})

const live = new LiveFeed({
  headers: () => authorization(tokens.current()),
  onBack: () => void queries.invalidateQueries(),
  onRefused: (state) => {
    if (state.problem.status === 401) tokens.reject(tokens.current())
  },
})
const shortcuts = new ShortcutBook()
listenToKeys(shortcuts, document)

const parts: ConsoleParts = { api: createApi(tokens), tokens, live, shortcuts }
createRoot(document.getElementById('console')!).render(
  <StrictMode>
    <ConsoleApp parts={parts} queries={queries} />
  </StrictMode>,
)
