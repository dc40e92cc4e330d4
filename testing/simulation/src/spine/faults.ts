import { type Random, randomInteger } from '@millrace/kernel'
import { between, chance, seedStream } from '../seed-streams.ts'
import { Reading } from './application.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
const FULL_DISK_MS_MAX = 4_000
const STALL_MS_MAX = 6_000
const CLOCK_JUMP_MS_MAX = 30_000

/** Plans everything that goes wrong while the world is unsafe. */
export function planFaults(world: World, seed: number): void {
  const random = seedStream(seed, 'faults')
  const { swarm } = world
  plan(world, random, swarm.powerCuts, () => world.crash('power', 'by chance'))
  plan(world, random, swarm.kills, () => world.crash('kill', 'by chance'))
  plan(world, random, swarm.restarts, () => world.restart('by chance'))
  plan(world, random, swarm.disconnects, () => disconnect(world, random))
  plan(world, random, swarm.slowDevices, () => stall(world, random))
  plan(world, random, swarm.clockJumps, () => jumpClock(world, random))
  plan(world, random, swarm.fullDisks, () => fillDisk(world, random))
  plan(world, random, swarm.failedSyncs, () => failDisk(world, 'sync'))
  plan(world, random, swarm.failedWrites, () => failDisk(world, 'write'))
  plan(world, random, swarm.strays, () => publishStray(world, random))
  world.machine.onOperation = (latencyMs) => {
    if (!world.isUnsafe || !chance(random, swarm.powerCutShare)) return
    const { server } = world
    world.runtime.scheduler.after(random.next() * latencyMs, () => {
      if (world.isUnsafe && world.server === server) world.crash('power', 'during a disk call')
    })
  }
}

/** Lets the same thing happen about `rate` times a minute, as long as the world is unsafe. */
function plan(world: World, random: Random, rate: number, happen: () => void): void {
  if (rate === 0) return
  world.runtime.scheduler.after((between(random, 0, 2) * MINUTE_MS) / rate, () => {
    if (!world.isUnsafe) return
    happen()
    plan(world, random, rate, happen)
  })
}

function someDevice({ devices }: World, random: Random) {
  return devices[randomInteger(random, 0, devices.length)]
}

function disconnect(world: World, random: Random): void {
  const device = someDevice(world, random)
  const isSilent = chance(random, 0.5)
  world.note(`${device?.plan.id} loses its line ${isSilent ? 'without notice' : ''}`)
  if (isSilent) device?.cutLink()
  else device?.resetLink()
}

function stall(world: World, random: Random): void {
  const device = someDevice(world, random)
  world.note(`${device?.plan.id} reads nothing for a while`)
  device?.stall(random.next() * STALL_MS_MAX)
}

function jumpClock(world: World, random: Random): void {
  const deltaMs = Math.round(between(random, -CLOCK_JUMP_MS_MAX, CLOCK_JUMP_MS_MAX))
  world.note(`the clock jumps by ${deltaMs} ms`)
  world.runtime.jumpWallClock(deltaMs)
}

function fillDisk(world: World, random: Random): void {
  const { machine } = world
  const { disk } = machine
  disk.diskBytesMax = disk.bytes + randomInteger(random, 0, 2_000)
  world.note(`the disk is full at ${disk.diskBytesMax} bytes`)
  world.runtime.scheduler.after(random.next() * FULL_DISK_MS_MAX, () => {
    world.note('the disk has space again')
    disk.diskBytesMax = Number.POSITIVE_INFINITY
  })
}

function failDisk(world: World, operation: 'sync' | 'write'): void {
  world.note(`the next ${operation} fails`)
  world.isWounded = true
  world.machine.disk.failNext(operation, 'EIO')
}

/** Somebody else's program publishes something that is no event, under a device's key or none. */
function publishStray(world: World, random: Random): void {
  const key = chance(random, 0.5) ? undefined : someDevice(world, random)?.plan.id
  const value = random.bytes(randomInteger(random, 0, 40))
  const stray = { headers: { note: 'stray' }, value, ...(key === undefined ? {} : { key }) }
  world.note(`a stray of ${value.length} bytes`)
  // It may be refused while the server is down or the disk is full: nobody was told that it is safe.
  void world.server?.bus?.publish(Reading.type, [stray]).catch(() => undefined)
}
