import type { Random, Runtime, Scheduler } from '@millrace/kernel'
import { type FileOperation, type MemoryFiles, memoryFiles } from '@millrace/memory'
import { between, chance } from '../seed-streams.ts'
import { type DiskContents, readDisk } from './oracle/disk-contents.ts'
import type { Swarm } from './swarm.ts'

/** The computer: a disk that outlives processes, and forgets what was not synced when the power fails. */
export class Machine {
  disk: MemoryFiles
  /** Told of every call on the disk, with the time that it will take; may pull the plug meanwhile. */
  onOperation: (latencyMs: number) => void = () => {}
  readonly #random: Random
  #isProbing = false

  constructor(runtime: Runtime, random: Random, swarm: Swarm) {
    this.#random = random
    const latencyMs = (_: FileOperation) => {
      if (this.#isProbing) return 0
      const isSlow = chance(random, swarm.slowDiskShare)
      const latency = between(random, 0, swarm.diskLatencyMsMax) * (isSlow ? 50 : 1)
      this.onOperation(latency)
      return latency
    }
    // Whoever looks at the disk from outside takes no time of the world's.
    const scheduler: Scheduler = {
      after: (delayMs, task) => {
        if (!this.#isProbing) return runtime.scheduler.after(delayMs, task)
        queueMicrotask(task)
        return () => {}
      },
    }
    this.disk = memoryFiles({ scheduler, latencyMs })
  }

  /** The power fails; the disk has what was synced, and any part of the rest. */
  cutPower(): void {
    this.disk = this.disk.crash(chance(this.#random, 0.8) ? { random: this.#random } : {})
    this.disk.diskBytesMax = Number.POSITIVE_INFINITY
  }

  /** What a power cut at this moment would leave for sure. Nothing else must be under way. */
  async look(moment: string): Promise<DiskContents> {
    this.#isProbing = true
    try {
      const copy = this.disk.afterCrash()
      copy.diskBytesMax = Number.POSITIVE_INFINITY
      return await readDisk(copy, moment)
    } finally {
      this.#isProbing = false
    }
  }
}
