import type { CommandBody } from '@millrace/server/api-shapes'
import { useState } from 'react'
import { useConsole } from '../console-context.ts'
import { summarise } from '../format/json.ts'
import { plural } from '../format/number.ts'
import { formatDuration, formatTime, formatTimeExactly } from '../format/time.ts'
import { commandSteps, isFinal } from '../live/command-trail.ts'
import { Ago } from '../look/ago.tsx'
import { useNow } from '../look/now.ts'
import { Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import { Tag, type Tone } from '../look/tone.tsx'
import styles from './device.module.css'
import { useCommands } from './use-commands.ts'

/** Commands shown before the reader asks for all. */
const SHOWN = 6

const TONES: Record<CommandBody['state'], Tone> = {
  queued: 'calm',
  sent: 'calm',
  acknowledged: 'calm',
  done: 'accent',
  failed: 'bad',
  expired: 'warn',
}

/** What a device was told, and how far it came. */
export function CommandList({ device }: { readonly device: string }) {
  const query = useCommands(device)
  const [all, setAll] = useState(false)
  return (
    <Panel>
      <QueryView query={query} loading={<RowsSkeleton rows={4} />}>
        {({ commands }) =>
          commands.length === 0 ? (
            <EmptyState title="No commands yet">
              What you send, and what actors send, appears here with its way.
            </EmptyState>
          ) : (
            <>
              <ol className={styles.commands}>
                {commands.slice(0, all ? undefined : SHOWN).map((command) => (
                  <Command key={command.id} command={command} />
                ))}
              </ol>
              {!all && commands.length > SHOWN && (
                <div className={styles.command}>
                  <button type="button" className="link-button" onClick={() => setAll(true)}>
                    Show {plural(commands.length - SHOWN, 'older command')}
                  </button>
                </div>
              )}
            </>
          )
        }
      </QueryView>
    </Panel>
  )
}

function Command({ command }: { readonly command: CommandBody }) {
  return (
    <li className={styles.command} data-command={command.id}>
      <div className={styles.commandHead}>
        <span className={styles.commandName}>{command.name}</span>
        <span className={styles.commandData}>{summarise(command.data, 80)}</span>
        <span className={styles.commandAge}>
          <Ago time={command.createdAt} />
        </span>
        <Tag tone={TONES[command.state]}>{command.state}</Tag>
      </div>
      <Trail command={command} />
      {command.outcome !== undefined && command.outcome !== null && (
        <p className={styles.outcome}>
          {command.state === 'failed' ? 'Reason' : 'Result'}: {summarise(command.outcome, 200)}
        </p>
      )}
      {!isFinal(command.state) && <Deadline at={command.deadlineAt} />}
    </li>
  )
}

function Trail({ command }: { readonly command: CommandBody }) {
  const { live } = useConsole()
  const now = useNow()
  const steps = commandSteps(command, live.trail(command.id))
  return (
    <ol className={styles.trail} data-state={command.state} aria-label={`State: ${command.state}`}>
      {steps.map(({ state, reached, at }, index) => (
        <li
          key={state}
          className={styles.step}
          data-reached={reached}
          data-through={reached && steps[index + 1]?.reached === true}
        >
          {state}
          <span className={styles.stepTime} title={at && formatTimeExactly(Date.parse(at))}>
            {at ? formatTime(Date.parse(at), now).slice(-8) : ''}
          </span>
        </li>
      ))}
    </ol>
  )
}

function Deadline({ at }: { readonly at: string }) {
  const left = Date.parse(at) - useNow()
  return (
    <p className={styles.outcome}>
      {left > 0 ? `Expires in ${formatDuration(left)}` : 'The deadline has passed'}
    </p>
  )
}
