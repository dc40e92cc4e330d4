import type { Runtime } from '@millrace/kernel'
import type { CommandDesk } from './commands/command-desk.ts'
import type { CounterTable } from './device-counters.ts'
import type { DeviceLimits, DevicesOptions } from './devices.ts'
import type { InboundBudget } from './inbound-budget.ts'
import type { ConnectPlan, ConnectRefusal } from './mqtt/connect-check.ts'
import type { MqttConnection } from './mqtt-connection.ts'
import type { PresenceLog } from './presence-log.ts'
import type { PublicationIntake } from './publication-intake.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { SessionLog } from './session-log.ts'
import type { SessionTable } from './session-table.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** What all connections share. */
export interface Tier {
  readonly runtime: Runtime
  readonly limits: DeviceLimits
  readonly subscriptionsMax: number
  readonly counters: CounterTable
  readonly authentication: DevicesOptions['authentication']
  readonly wheel: TimerWheel
  readonly desk: CommandDesk
  readonly intake: PublicationIntake
  readonly budget: InboundBudget
  readonly retained: RetainedMessages
  readonly sessions: SessionTable
  readonly sessionLog: SessionLog
  readonly presence: PresenceLog
  readonly connections: Set<MqttConnection>
  /** Asks the authenticator; undefined lets the device in. Never rejects. */
  judge(plan: ConnectPlan, remoteAddress: string): Promise<ConnectRefusal | undefined>
}
