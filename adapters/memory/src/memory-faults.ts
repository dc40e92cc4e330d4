import { millraceError } from '@millrace/kernel'

/** A call that can be made to fail. */
export type FileOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'

/** Codes that an injected fault can have; `ENOSPC` arrives as `DISK_FULL`. */
export type FaultCode = 'EIO' | 'ENOSPC' | 'EACCES'

/** A failure to come. */
export interface FaultOptions {
  /** Only for paths that contain this. Default: all. */
  readonly path?: string
  /** How many calls fail. Default: 1. */
  readonly times?: number
  /** How many matching calls still succeed before. Default: 0. */
  readonly after?: number
}

interface Fault {
  readonly operation: FileOperation
  readonly code: FaultCode
  readonly path: string
  after: number
  times: number
}

/** Faults that wait for their calls. */
export class MemoryFaults {
  #faults: Fault[] = []

  add(operation: FileOperation, code: FaultCode, options: FaultOptions): void {
    const { path = '', times = 1, after = 0 } = options
    this.#faults.push({ operation, code, path, times, after })
  }

  /** Throws what waits for this call. */
  check(operation: FileOperation, path: string): void {
    const fault = this.#faults.find(
      (candidate) => candidate.operation === operation && path.includes(candidate.path),
    )
    if (fault === undefined) return
    if (fault.after > 0) {
      fault.after -= 1
      return
    }
    fault.times -= 1
    if (fault.times === 0) this.#faults = this.#faults.filter((other) => other !== fault)
    throw fault.code === 'ENOSPC'
      ? millraceError('DISK_FULL', { path })
      : systemError(fault.code, operation, path)
  }
}

/** An error as the operating system would report it. */
export function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code })
}
