import { constants, open } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Files, OpenFile } from '@millrace/log'
import { lockDirectory } from './directory-lock.ts'
import { diskError } from './disk-error.ts'
import { NodeFile } from './node-file.ts'
import { syncNames } from './sync-names.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants
/**
 * Where the system has it, a write is durable when it returns: one call instead of a write and a sync, and half the
 * trips to the thread pool. Elsewhere (macOS has the flag, but only `fdatasync` there reaches the disk itself) 0.
 */
const DURABLE_WRITES = process.platform === 'linux' ? constants.O_DSYNC : 0
const FLAGS = {
  create: O_RDWR | O_CREAT | O_EXCL | DURABLE_WRITES,
  write: O_RDWR | DURABLE_WRITES,
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
  }
}

function openFile(path: string, flags: number): Promise<OpenFile> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, descriptor) => {
      if (error) reject(diskError(error, path))
      else resolve(new NodeFile(descriptor, path, (flags & DURABLE_WRITES) !== 0))
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
