import { readFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { resolve } from 'node:path'

/** Where figures were taken; figures of different machines cannot be compared. */
export interface Machine {
  readonly cpus: number
  readonly node: string
  readonly kernel: string
  /** File system and device under the data, such as `ext4 on /dev/vda`. */
  readonly disk: string
}

/** The machine, and the disk that `directory` is on. */
export function describeMachine(directory: string): Machine {
  return {
    cpus: availableParallelism(),
    node: process.versions.node,
    kernel: `${process.platform} ${release()}`,
    disk: diskOf(resolve(directory)),
  }
}

function diskOf(directory: string): string {
  if (process.platform !== 'linux') return 'unknown'
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point = '']) => `${directory}/`.startsWith(point === '/' ? '/' : `${point}/`))
  const [device, , type] = mounts.sort(([, left = ''], [, right = '']) => right.length - left.length)[0] ?? []
  return type === undefined ? 'unknown' : `${type} on ${device}`
}
