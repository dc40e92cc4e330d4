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
    ...delegating(files),
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
  }
}

/** The members of `files` as those of a plain object, so that some can be replaced. */
export function delegating(files: Files): Files {
  return {
    list: (directory) => files.list(directory),
    makeDirectory: (directory) => files.makeDirectory(directory),
    open: (path, mode) => files.open(path, mode),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    syncDirectory: (directory) => files.syncDirectory(directory),
    lock: (directory) => files.lock(directory),
    announce: (directory) => files.announce(directory),
    listen: (directory, listener) => files.listen(directory, listener),
  }
}

/** `file`, of which `read` may answer instead: with a number of bytes, or not with undefined. */
export function replacing(
  file: OpenFile,
  read: (target: Uint8Array, position: number) => number | undefined,
): OpenFile {
  return new Proxy(file, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      if (property !== 'read') return member.bind(target)
      return async (bytes: Uint8Array, position: number) =>
        read(bytes, position) ?? target.read(bytes, position)
    },
  })
}

function guard(file: OpenFile, bad: readonly BadRange[]): OpenFile {
  return replacing(file, (bytes, position) => {
    if (bad.some(({ from, to }) => from < position + bytes.length && position < to))
      throw Object.assign(new Error('EIO: read'), { code: 'EIO' })
    return undefined
  })
}
