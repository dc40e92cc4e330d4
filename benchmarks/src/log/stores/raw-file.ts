import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  writeSync,
  writev,
  writevSync,
} from 'node:fs'
import { join } from 'node:path'
import type { BenchStore, StorePlan } from '../store.ts'

const FILE_BYTES = 64 * 1024 * 1024
const FILL_BYTES = 1024 * 1024
const { O_CREAT, O_RDWR } = constants
const INTO = `into a file of ${FILE_BYTES / 1024 / 1024} MiB that was filled before, again from its start when full`

/**
 * What the file system allows, without any format: nobody who promises durability is quicker, one write at a time. The
 * blocking loop stops its whole process at every write; the asynchronous ones are what a program can do that must not.
 */
export function rawPlans(): StorePlan[] {
  const plan = (
    id: string,
    name: string,
    settings: string,
    open: (path: string) => BenchStore,
  ): StorePlan => ({
    id: `raw/${id}`,
    name,
    settings: `${settings}, ${INTO}`,
    gathers: false,
    isRaw: true,
    open: async (directory) => open(join(directory, 'raw')),
  })
  const plans = [
    plan('blocking', 'blocking write+fdatasync', 'writevSync, fdatasyncSync', openBlocking),
    plan('async', 'asynchronous write+fdatasync', 'writev, fdatasync of node:fs', openAsynchronous),
  ]
  if (constants.O_DSYNC === undefined) return plans
  return [...plans, plan('dsync', 'asynchronous O_DSYNC write', 'writev of node:fs with O_DSYNC', openDsync)]
}

function openBlocking(path: string): BenchStore {
  const file = openFilled(path, 0)
  const place = places()
  return {
    append: (records) => {
      writevSync(file, records, place(records))
      fdatasyncSync(file)
    },
    [Symbol.asyncDispose]: async () => closeSync(file),
  }
}

function openAsynchronous(path: string): BenchStore {
  const file = openFilled(path, 0)
  const place = places()
  return {
    append: (records) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null) => (error ? reject(error) : resolve())
        writev(file, records, place(records), (error) => (error ? reject(error) : fdatasync(file, done)))
      }),
    [Symbol.asyncDispose]: async () => closeSync(file),
  }
}

function openDsync(path: string): BenchStore {
  const file = openFilled(path, constants.O_DSYNC)
  const place = places()
  return {
    append: (records) =>
      new Promise((resolve, reject) => {
        writev(file, records, place(records), (error) => (error ? reject(error) : resolve()))
      }),
    [Symbol.asyncDispose]: async () => closeSync(file),
  }
}

/** A file with all its bytes written, so that no later sync waits for the file system's journal. */
function openFilled(path: string, flags: number): number {
  const file = openSync(path, O_RDWR | O_CREAT)
  const zeros = new Uint8Array(FILL_BYTES)
  for (let written = 0; written < FILE_BYTES; written += FILL_BYTES) writeSync(file, zeros, 0, FILL_BYTES)
  fsyncSync(file)
  if (flags === 0) return file
  closeSync(file)
  return openSync(path, O_RDWR | flags)
}

/** Where the next write goes: behind the last one, from the start again when the file is full. */
function places(): (records: readonly Uint8Array[]) => number {
  let next = 0
  return (records) => {
    let bytes = 0
    for (const record of records) bytes += record.length
    const place = next + bytes > FILE_BYTES ? 0 : next
    next = place + bytes
    return place
  }
}
