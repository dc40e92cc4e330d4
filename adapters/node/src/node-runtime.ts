import { getRandomValues } from 'node:crypto'
import type { Runtime } from '@millrace/kernel'

/** Longer delays overflow a Node timer, which then fires at once. */
const DELAY_MS_MAX = 2 ** 31 - 1
const NUMBERS_AT_ONCE = 256

/** Choices of {@link nodeRuntime}. */
export interface NodeRuntimeOptions {
  /**
   * True lets the process live as long as a timer runs, as Node's own timers do: for programs that have nothing else to
   * live for. Default: false, for servers, which end when they have been told to.
   */
  readonly timersHoldProcess?: boolean
}

/** Time, timers and chance of this process. Random numbers come from the cryptographic source. */
export function nodeRuntime({ timersHoldProcess = false }: NodeRuntimeOptions = {}): Runtime {
  const numbers = new Uint32Array(NUMBERS_AT_ONCE)
  let used = NUMBERS_AT_ONCE
  const nextUint32 = (): number => {
    if (used === NUMBERS_AT_ONCE) {
      getRandomValues(numbers)
      used = 0
    }
    used += 1
    return numbers[used - 1] ?? 0
  }
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    scheduler: {
      after: (delayMs, task) => {
        const timer = setTimeout(task, Math.min(Math.max(0, delayMs), DELAY_MS_MAX))
        if (!timersHoldProcess) timer.unref()
        return () => clearTimeout(timer)
      },
    },
    random: {
      next: () => nextUint32() / 0x1_0000_0000,
      bytes: (count) => getRandomValues(new Uint8Array(count)),
    },
  }
}
