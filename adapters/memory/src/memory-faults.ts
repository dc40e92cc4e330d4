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
  /** A write still takes this many bytes before it fails. Default: 0. */
  readonly takesBytes?: number
}

interface Fault {
  readonly operation: FileOperation
  readonly code: FaultCode
  readonly path: string
  readonly takesBytes: number
  after: number
  times: number
}

/** A fault whose call has come. */
export interface DueFault {
  readonly error: Error
  /** Bytes that a write takes before it fails. */
  readonly takesBytes: number
}

/** Faults that wait for their calls. */
export class MemoryFaults {
  #faults: Fault[] = []

  add(operation: FileOperation, code: FaultCode, options: FaultOptions): void {
    const { path = '', times = 1, after = 0, takesBytes = 0 } = options
    this.#faults.push({ operation, code, path, times, after, takesBytes })
  }

  /** What waits for this call. */
  take(operation: FileOperation, path: string): DueFault | undefined {
    const fault = this.#faults.find(
      (candidate) => candidate.operation === operation && path.includes(candidate.path),
    )
    if (fault === undefined) return undefined
    if (fault.after > 0) {
      fault.after -= 1
      return undefined
    }
    fault.times -= 1
    if (fault.times === 0) this.#faults = this.#faults.filter((other) => other !== fault)
    const { code, takesBytes } = fault
    const error =
      code === 'ENOSPC' ? millraceError('DISK_FULL', { path }) : systemError(code, operation, path)
    return { error, takesBytes }
  }
}

/** An error as the operating system would report it. */
export function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code })
}
