import { randomInteger } from '@millrace/kernel'
import { between, chance, oneOf, seedStream } from '../seed-streams.ts'

/** What one device is like. */
export interface DevicePlan {
  readonly id: string
  /** 4 is MQTT 3.1.1. */
  readonly protocol: 4 | 5
  readonly qos: 0 | 1 | 2
  /** Readings that it takes in all, at most `burstMax` at a time, about every `everyMs` milliseconds. */
  readonly readingsMax: number
  readonly burstMax: number
  readonly everyMs: number
  /** Publications that it leaves unacknowledged before it waits. */
  readonly inFlightMax: number
  /** Shares of readings that fit no schema, and that are published a second time under the same id. */
  readonly poisonShare: number
  readonly repeatShare: number
  readonly hotShare: number
  /** True: it says how a command went before it acknowledges the command. */
  readonly outcomeFirst: boolean
  readonly keepAliveSeconds: number
  /** Bytes that make a reading larger, at most. */
  readonly paddingBytesMax: number
}

/** Everything that the seed has chosen for a run. Rates are a minute of virtual time. */
export interface Swarm {
  readonly devices: readonly DevicePlan[]
  /** How long faults happen, in milliseconds of virtual time. */
  readonly safetyMs: number
  readonly partitions: number
  readonly segmentBytesMax: number
  readonly tableBytesMin: number
  readonly allocateAheadBytesMax: number
  readonly diskLatencyMsMax: number
  readonly slowDiskShare: number
  readonly networkLatencyMsMax: number
  /** True: pieces of the byte stream do not follow the frames. */
  readonly cutsFrames: boolean
  readonly powerCuts: number
  readonly kills: number
  readonly restarts: number
  /** Share of disk calls during which the power fails. */
  readonly powerCutShare: number
  readonly disconnects: number
  readonly slowDevices: number
  readonly clockJumps: number
  readonly fullDisks: number
  readonly failedSyncs: number
  readonly failedWrites: number
  readonly databaseFailureShare: number
  /** Messages that carry no event, put on the topic by somebody else. */
  readonly strays: number
  readonly handlerFailureShare: number
  readonly handlerFailuresMax: number
  readonly handlerHangShare: number
  readonly handlerMsMax: number
  readonly concurrency: number
  readonly attemptsMax: number
  readonly commandDeadlineMs: number
  /** Limits of the device tier; see `DeviceLimits`. */
  readonly finishedCommandsPerDeviceMax: number
  readonly inboundInFlightMax: number
  readonly commandsPerDeviceMax: number
  readonly outcomeMsMax: number
}

/** Draws what a run is like. Each fault is off in about half of the runs, so that faults also come alone. */
export function drawSwarm(seed: number): Swarm {
  const random = seedStream(seed, 'swarm')
  const rate = (max: number) => (chance(random, 0.5) ? 0 : between(random, 0, max))
  const share = (max: number) => (chance(random, 0.5) ? 0 : random.next() * max)
  const whole = (low: number, high: number) => randomInteger(random, low, high + 1)
  const calm = { poisonShare: share(0.15), repeatShare: share(0.2), hotShare: between(random, 0, 0.3) }
  const devices = Array.from({ length: whole(1, 8) }, (_, index) => drawDevice(seed, index, calm))
  return {
    devices,
    safetyMs: whole(4, 20) * 1_000,
    partitions: whole(1, 3),
    segmentBytesMax: Math.max(oneOf(random, [8, 16, 32, 64, 1024]) * 1024, batchBytesMax(devices)),
    allocateAheadBytesMax: oneOf(random, [0, 4, 64]) * 1024,
    tableBytesMin: oneOf(random, [2, 8, 4096]) * 1024,
    diskLatencyMsMax: oneOf(random, [0.2, 2, 10]),
    slowDiskShare: share(0.02),
    networkLatencyMsMax: oneOf(random, [0.5, 5, 50]),
    cutsFrames: chance(random, 0.3),
    powerCuts: rate(10),
    kills: rate(10),
    restarts: rate(6),
    powerCutShare: chance(random, 0.7) ? 0 : random.next() * 0.01,
    disconnects: rate(60),
    slowDevices: rate(10),
    clockJumps: rate(10),
    fullDisks: rate(8),
    failedSyncs: rate(6),
    failedWrites: rate(6),
    databaseFailureShare: share(0.1),
    strays: rate(20),
    handlerFailureShare: share(0.2),
    handlerFailuresMax: whole(1, 6),
    handlerHangShare: chance(random, 0.8) ? 0 : 0.02,
    handlerMsMax: oneOf(random, [0, 5, 100]),
    concurrency: whole(1, 8),
    attemptsMax: whole(1, 5),
    commandDeadlineMs: oneOf(random, [1_000, 10_000, 60_000]),
    finishedCommandsPerDeviceMax: oneOf(random, [1, 20, 20]),
    inboundInFlightMax: oneOf(random, [16, 64]),
    commandsPerDeviceMax: oneOf(random, [1, 2, 100, 100]),
    outcomeMsMax: oneOf(random, [50, 1_000, DAY_MS, DAY_MS]),
  }
}

const DAY_MS = 24 * 3_600_000
/** Bytes of a reading in the log, and a little more. */
const READING_BYTES = 512

/** What devices may publish at once: an append that is larger than a segment is refused. */
function batchBytesMax(devices: readonly DevicePlan[]): number {
  return devices.reduce((sum, { qos, inFlightMax, readingsMax, paddingBytesMax }) => {
    return sum + (qos === 0 ? readingsMax : inFlightMax) * (READING_BYTES + paddingBytesMax)
  }, 0)
}

/** The same, but nothing goes wrong by itself: where the smallest scenario of a bug begins. */
export function withoutFaults(swarm: Swarm): Swarm {
  const none = Object.fromEntries(FAULTS.map((fault) => [fault, 0]))
  return { ...swarm, ...none, handlerMsMax: 0 }
}

const FAULTS = [
  'slowDiskShare',
  'powerCuts',
  'kills',
  'restarts',
  'powerCutShare',
  'disconnects',
  'slowDevices',
  'clockJumps',
  'fullDisks',
  'failedSyncs',
  'failedWrites',
  'databaseFailureShare',
  'strays',
  'handlerFailureShare',
  'handlerHangShare',
] as const satisfies readonly (keyof Swarm)[]

function drawDevice(
  seed: number,
  index: number,
  shares: Pick<DevicePlan, 'poisonShare' | 'repeatShare' | 'hotShare'>,
): DevicePlan {
  const random = seedStream(seed, `device ${index}`)
  return {
    id: `d${index}`,
    protocol: oneOf(random, [4, 5, 5]),
    qos: oneOf(random, [0, 1, 1, 1, 2, 2]),
    readingsMax: randomInteger(random, 4, 31),
    burstMax: oneOf(random, [1, 1, 3, 10]),
    everyMs: oneOf(random, [100, 500, 2_000]),
    inFlightMax: oneOf(random, [1, 2, 5, 16]),
    ...shares,
    outcomeFirst: chance(random, 0.3),
    keepAliveSeconds: oneOf(random, [5, 30, 60]),
    paddingBytesMax: oneOf(random, [0, 0, 0, 2_000]),
  }
}
