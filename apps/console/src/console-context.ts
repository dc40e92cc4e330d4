import { createContext, useCallback, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Api } from './api/client.ts'
import type { TokenBox } from './api/token.ts'
import type { FleetDevice } from './live/fleet-store.ts'
import type { LiveFeed, LiveState } from './live/live-feed.ts'
import type { ShortcutBook } from './shell/shortcut-book.ts'

/** What every page works with; made once, in main.tsx. */
export interface ConsoleParts {
  readonly api: Api
  readonly tokens: TokenBox
  readonly live: LiveFeed
  readonly shortcuts: ShortcutBook
}

export const ConsoleContext = createContext<ConsoleParts | undefined>(undefined)

export function useConsole(): ConsoleParts {
  // The provider stands around everything (main.tsx).
  return useContext(ConsoleContext)!
}

/** The state of the live feed; draws again with every change of it, about once every two seconds. */
export function useLive(): LiveState {
  const { live } = useConsole()
  return useSyncExternalStore(live.watch, live.state)
}

/** A device of the fleet; draws again only when this device has changed. */
export function useFleetDevice(id: string): FleetDevice | undefined {
  const { fleet } = useConsole().live
  const subscribe = useCallback((listener: () => void) => fleet.watchDevice(id, listener), [fleet, id])
  return useSyncExternalStore(subscribe, () => fleet.device(id))
}

/** Makes keys do something while the component is shown. `does` appears in the list of shortcuts. */
export function useShortcut(keys: string, does: string, run: () => void): void {
  const { shortcuts } = useConsole()
  useEffect(() => shortcuts.add({ keys, does, run }), [shortcuts, keys, does, run])
}
