import { constants, open } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Files, OpenFile } from '@millrace/log'
import { announceFrom, listenTo } from './announcements.ts'
import { lockDirectory } from './directory-lock.ts'
import { diskError } from './disk-error.ts'
import { NodeFile } from './node-file.ts'
import { syncNames } from './sync-names.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants
const FLAGS = {
  create: O_RDWR | O_CREAT | O_EXCL,
  write: O_RDWR,
  read: O_RDONLY,
} as const

/** The file system below `root`, which is created when something in it is. */
export function nodeFiles(root: string): Files {
  const base = resolve(root)
  const at = (path: string) => join(base, path)
  return {
    list: async (directory) => {
      try {
        return await readdir(at(directory))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      }
    },
    makeDirectory: (directory) => makeDirectory(at(directory)),
    open: (path, mode) => openFile(at(path), FLAGS[mode]),
    rename: (from, to) => asDiskError(rename(at(from), at(to)), at(to)),
    remove: (path) => rm(at(path), { force: true }),
    syncDirectory: (directory) => asDiskError(syncNames(at(directory)), at(directory)),
    lock: (directory) => lockDirectory(at(directory)),
    announce: (directory) => announceFrom(at(directory)),
    listen: (directory, listener) => listenTo(at(directory), listener),
  }
}

function openFile(path: string, flags: number): Promise<OpenFile> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, descriptor) => {
      if (error) reject(diskError(error, path))
      else resolve(new NodeFile(descriptor, path))
    })
  })
}

/** Each directory that had to be made is a new name in its parent. */
async function makeDirectory(path: string): Promise<void> {
  const first = await asDiskError(mkdir(path, { recursive: true }), path)
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncNames(dirname(made))
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

async function asDiskError<Result>(promise: Promise<Result>, path: string): Promise<Result> {
  try {
    return await promise
  } catch (error) {
    throw error instanceof Error ? diskError(error, path) : error
  }
}
