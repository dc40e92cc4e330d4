import { readFileSync } from 'node:fs'

/** What some processes used together while they were watched. */
export interface ProcessUse {
  /** Resident memory in bytes: at the start, at the end, and the most that was seen. */
  readonly residentStart: number
  readonly residentEnd: number
  readonly residentMax: number
  readonly cpuSeconds: number
}

const SAMPLE_MS = 250
/** Ticks of `/proc/<pid>/stat` in a second: USER_HZ, the same on every Linux. */
const TICKS_A_SECOND = 100

/**
 * Watches processes from outside, all in the same way whatever they are written in. Only Linux tells; elsewhere every
 * value is NaN.
 */
export function watchProcesses(pids: readonly number[]): { stop(): ProcessUse } {
  const residentStart = residentBytes(pids)
  const cpuStart = cpuSeconds(pids)
  let residentMax = residentStart
  const timer = setInterval(() => {
    residentMax = Math.max(residentMax, residentBytes(pids))
  }, SAMPLE_MS)
  return {
    stop() {
      clearInterval(timer)
      const residentEnd = residentBytes(pids)
      return {
        residentStart,
        residentEnd,
        residentMax: Math.max(residentMax, residentEnd),
        cpuSeconds: cpuSeconds(pids) - cpuStart,
      }
    },
  }
}

function residentBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(procFile(pid, 'status')) ?? []
    return Number(kilobytes ?? Number.NaN) * 1024
  })
}

/** User and system time; the name of the process may contain spaces, so count from behind it. */
function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = procFile(pid, 'stat')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) / TICKS_A_SECOND
  })
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0)
}

function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}
