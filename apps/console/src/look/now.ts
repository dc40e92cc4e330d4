import { useSyncExternalStore } from 'react'

/** One clock for all that shows ages: ticks only while somebody looks. */
function createClock(stepMs: number) {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  let now = Date.now()
  return {
    current: () => now,
    subscribe(listener: () => void) {
      if (listeners.size === 0) {
        now = Date.now()
        timer = setInterval(() => {
          now = Date.now()
          for (const each of listeners) each()
        }, stepMs)
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearInterval(timer)
      }
    },
  }
}

const seconds = createClock(1_000)

/** The time in milliseconds since 1970, anew every second. */
export const useNow = (): number => useSyncExternalStore(seconds.subscribe, seconds.current)
