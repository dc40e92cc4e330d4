import type { Files, OpenFile } from '@millrace/log'

/** A part of a file that the disk does not give. */
export interface BadRange {
  readonly path: string
  readonly from: number
  readonly to: number
}

/** `files`, of which some bytes cannot be read, wherever their file is moved to. */
export function withBadSectors(files: Files, ranges: readonly BadRange[]): Files {
  let bad = ranges
  return {
    list: (directory) => files.list(directory),
    makeDirectory: (directory) => files.makeDirectory(directory),
    open: async (path, mode) => {
      const file = await files.open(path, mode)
      return guard(
        file,
        bad.filter((range) => range.path === path),
      )
    },
    rename: async (from, to) => {
      await files.rename(from, to)
      bad = bad
        .filter((range) => range.path !== to)
        .map((range) => (range.path === from ? { ...range, path: to } : range))
    },
    remove: (path) => files.remove(path),
    syncDirectory: (directory) => files.syncDirectory(directory),
    lock: (directory) => files.lock(directory),
    announce: (directory) => files.announce(directory),
    listen: (directory, listener) => files.listen(directory, listener),
  }
}

function guard(file: OpenFile, bad: readonly BadRange[]): OpenFile {
  if (bad.length === 0) return file
  return new Proxy(file, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      if (property !== 'read') return member.bind(target)
      return async (bytes: Uint8Array, position: number) => {
        if (bad.some(({ from, to }) => from < position + bytes.length && position < to))
          throw Object.assign(new Error('EIO: read'), { code: 'EIO' })
        return target.read(bytes, position)
      }
    },
  })
}
