import type { Files, OpenFile } from '@millrace/log'

/** What went through a `Files`, so far. */
export interface FileCounts {
  /** Bytes handed over, all in all, and how many of them were zeros written ahead of the data. */
  bytes: number
  zeroBytes: number
  writes: number
  /** Syncs of files and of directories, and durable writes. */
  syncs: number
}

/** Counts what a log does to its files. */
export function countingFiles(files: Files): { readonly files: Files; readonly counts: FileCounts } {
  const counts: FileCounts = { bytes: 0, zeroBytes: 0, writes: 0, syncs: 0 }
  const counted = intercept(files, {
    open: async (path: string, mode: 'create' | 'write' | 'read') =>
      countFile(await files.open(path, mode), counts),
    syncDirectory: (directory: string) => {
      counts.syncs += 1
      return files.syncDirectory(directory)
    },
  })
  return { files: counted, counts }
}

function countFile(file: OpenFile, counts: FileCounts): OpenFile {
  return intercept(file, {
    write: (buffers: readonly Uint8Array[], position: number) => {
      countWrite(counts, buffers)
      return file.write(buffers, position)
    },
    writeDurable: (buffers: readonly Uint8Array[], position: number) => {
      countWrite(counts, buffers)
      counts.syncs += 1
      return file.writeDurable(buffers, position)
    },
    sync: () => {
      counts.syncs += 1
      return file.sync()
    },
  })
}

function countWrite(counts: FileCounts, buffers: readonly Uint8Array[]): void {
  counts.writes += 1
  for (const buffer of buffers) {
    counts.bytes += buffer.length
    // Whatever the log writes that says something begins with a magic number.
    if (buffer[0] === 0 && buffer[1] === 0 && buffer[2] === 0 && buffer[3] === 0)
      counts.zeroBytes += buffer.length
  }
}

/** `target` with some methods in place of its own; those that a later version of the port brings stay as they are. */
function intercept<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      const own = Reflect.get(methods, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      // Not bind: `await using` of Node 24 takes no bound function for a function.
      return typeof value === 'function' ? (...args: unknown[]) => Reflect.apply(value, target, args) : value
    },
  })
}
