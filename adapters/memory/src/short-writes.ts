import type { Files, OpenFile } from '@millrace/log'
import { systemError } from './memory-faults.ts'

/**
 * Says how many of the `bytes` of a write to `path` are taken before it fails with `EIO`; undefined to let it pass.
 */
export type Shortening = (path: string, bytes: number) => number | undefined

/**
 * Any `Files`, real ones too, with writes that take only a part and then fail, as at a medium error: what stands behind
 * the part that was taken is as it was. Everything else goes through.
 */
export function shortWrites(files: Files, shorten: Shortening): Files {
  const open: Files['open'] = async (path, mode) => shortened(await files.open(path, mode), path, shorten)
  return replacing(files, { open })
}

function shortened(file: OpenFile, path: string, shorten: Shortening): OpenFile {
  const write: OpenFile['write'] = async (buffers, position) => {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    const taken = shorten(path, bytes)
    if (taken === undefined) return file.write(buffers, position)
    await file.write(firstBytes(buffers, taken), position)
    throw systemError('EIO', 'write', path)
  }
  return replacing(file, { write })
}

function firstBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let rest = count
  return buffers.map((buffer) => {
    const part = buffer.subarray(0, Math.max(0, rest))
    rest -= part.length
    return part
  })
}

/** `target` with some members replaced; a member that its port gains later goes through by itself. */
function replacing<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in members ? members : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
