import type { FileLock, Files, OpenFile } from '@millrace/log'
import type { Life } from './life.ts'

/** Changes a file as it is opened: how a test makes a disk that lies. */
export type Tamper = (file: OpenFile) => OpenFile

/** A disk as one process sees it: its calls go unanswered when it dies, and its locks are given back. */
export function mortalFiles(disk: Files, life: Life, tamper: Tamper = (file) => file): Files {
  const locks = new Set<FileLock>()
  life.atEnd(() => {
    for (const lock of locks) void lock.release()
  })
  return {
    list: (directory) => life.bind(() => disk.list(directory)),
    makeDirectory: (directory) => life.bind(() => disk.makeDirectory(directory)),
    open: async (path, mode) => mortalFile(tamper(await life.bind(() => disk.open(path, mode))), life),
    rename: (from, to) => life.bind(() => disk.rename(from, to)),
    remove: (path) => life.bind(() => disk.remove(path)),
    syncDirectory: (directory) => life.bind(() => disk.syncDirectory(directory)),
    lock: (directory) => life.bind(() => takeLock(disk, directory, life, locks)),
    // Nobody outside of the process listens.
    announce: (directory) => life.bind(() => disk.announce(directory)),
    listen: (directory, listener) => life.bind(() => disk.listen(directory, listener)),
  }
}

/** A lock that is granted to a process that has died meanwhile is given back at once. */
async function takeLock(disk: Files, directory: string, life: Life, locks: Set<FileLock>): Promise<FileLock> {
  const lock = await disk.lock(directory)
  if (life.isOver) await lock.release()
  const release = async () => {
    locks.delete(held)
    await lock.release()
  }
  const held: FileLock = { release, [Symbol.asyncDispose]: release }
  locks.add(held)
  return held
}

function mortalFile(file: OpenFile, life: Life): OpenFile {
  const close = () => life.bind(() => file.close())
  return {
    size: () => life.bind(() => file.size()),
    read: (target, position) => life.bind(() => file.read(target, position)),
    write: (buffers, position) => life.bind(() => file.write(buffers, position)),
    writeDurable: (buffers, position) => life.bind(() => file.writeDurable(buffers, position)),
    sync: () => life.bind(() => file.sync()),
    truncate: (size) => life.bind(() => file.truncate(size)),
    close,
    [Symbol.asyncDispose]: close,
  }
}
