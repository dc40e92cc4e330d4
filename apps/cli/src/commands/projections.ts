import { setTimeout as pause } from 'node:timers/promises'
import { millraceError } from '@millrace/kernel'
import type {
  ProjectionBody,
  ProjectionLetterListBody,
  ProjectionListBody,
  RelayBody,
} from '@millrace/server'
import type { Command } from 'commander'
import type { ApiClient } from '../api-client.ts'
import { table } from '../output.ts'
import { ProgressBar } from '../progress-bar.ts'
import { openApi, untilInterrupted, withApiOptions } from './api-options.ts'

/** How often a rebuild is looked at, in milliseconds. */
const LOOK_MS = 250
const path = (name: string, act: string) => `/api/projections/${encodeURIComponent(name)}/${act}`

/** `millrace projections ls|rebuild|cancel-rebuild|pause|resume|wait|dead-letters|relay` */
export function addProjectionCommands(program: Command): void {
  const projections = program
    .command('projections')
    .description('Documents that are made from streams: how far they are, and making them again.')
  addList(projections)
  addRebuild(projections)
  addWait(projections)
  addActs(projections)
  addLetters(projections)
  addRelay(projections)
}

function addList(projections: Command): void {
  const command = withApiOptions(projections.command('ls').description('How all projections are.'))
  command.action(async () => {
    const { api, output } = await openApi(command)
    const all = await list(api)
    if (output.json) return output.data(all)
    if (all.length === 0) return output.line('This application has no projections of streams.')
    const rows = all.map(
      ({ name, state, position, behind, eventsPerSecond, deadLetters, rebuild, error }) => [
        name,
        rebuild === undefined
          ? state
          : `${state}, rebuild ${rebuild.state} ${Math.floor(rebuild.done * 100)} %`,
        position,
        behind,
        eventsPerSecond,
        deadLetters,
        (error ?? rebuild?.error)?.message ?? '',
      ],
    )
    output.line(table(['projection', 'state', 'position', 'behind', 'events/s', 'left out', 'error'], rows))
  })
}

function addRebuild(projections: Command): void {
  const command = withApiOptions(
    projections
      .command('rebuild')
      .description('Make its documents again; the old ones are served meanwhile.'),
  )
  command
    .argument('<projection>')
    .option('--no-wait', 'return when it has begun')
    .option('--stream <stream>', 'only the document of this stream')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace projections rebuild orders\n  millrace projections rebuild orders --no-wait --json\n  millrace projections rebuild orders --stream order-7',
    )
  command.action(async (name: string, { wait, stream }: { wait: boolean; stream?: string }) => {
    const { api, output } = await openApi(command)
    if (stream !== undefined) {
      await api.post(path(name, `streams/${encodeURIComponent(stream)}/rebuild`), {})
      return output.json
        ? output.data({ projection: name, stream })
        : output.line(`the document of ${stream} is made again`)
    }
    await api.post(path(name, 'rebuild'), {})
    if (wait) await untilRebuilt(api, name, output.json)
    const found = (await list(api)).find((each) => each.name === name)
    if (output.json) return output.data(found)
    output.line(wait ? `${name} is rebuilt, up to position ${found?.position}` : `${name} is being rebuilt`)
  })
}

/** Ctrl-C ends the watching; the rebuild goes on in the server. */
async function untilRebuilt(api: ApiClient, name: string, isQuiet: boolean): Promise<void> {
  const signal = untilInterrupted()
  const bar = new ProgressBar('rebuilding', isQuiet)
  try {
    for (;;) {
      const found = (await list(api)).find((each) => each.name === name)
      const { rebuild } = found ?? {}
      if (rebuild === undefined) return
      if (rebuild.state === 'stopped') throw stopped(name, found)
      bar.show(name, rebuild.done, () => `${rebuild.eventsPerSecond} events/s`)
      await pause(LOOK_MS, undefined, { signal })
    }
  } finally {
    bar.clear()
  }
}

function stopped(name: string, found: ProjectionBody | undefined) {
  return millraceError('PROJECTION_STOPPED', {
    projection: name,
    code: found?.rebuild?.error?.code ?? 'an error',
    reason: found?.rebuild?.error?.message ?? 'see millrace projections ls',
  })
}

function addWait(projections: Command): void {
  const command = withApiOptions(
    projections.command('wait').description('Wait until its documents hold all that is in the store now.'),
  )
  command.argument('<projection>').option('--timeout <seconds>', 'how long at most', '10')
  command.action(async (name: string, { timeout }: { timeout: string }) => {
    const { api, output } = await openApi(command)
    await api.post(path(name, 'wait'), { timeoutMs: Math.round(Number(timeout) * 1000) })
    if (output.json) return output.data({ projection: name, isFresh: true })
    output.line(`${name} is up to date`)
  })
}

function addActs(projections: Command): void {
  const acts = [
    ['pause', 'Stop it on every node.', 'is paused'],
    ['resume', 'Let it go on after a pause or an error.', 'goes on'],
    ['cancel-rebuild', 'Give up a rebuild; the served documents stay.', 'keeps the documents that it has'],
  ] as const
  for (const [act, description, said] of acts) {
    const command = withApiOptions(projections.command(act).description(description))
    command.argument('<projection>').action(async (name: string) => {
      const { api, output } = await openApi(command)
      await api.post(path(name, act), {})
      if (output.json) return output.data((await list(api)).find((each) => each.name === name))
      output.line(`${name} ${said}`)
    })
  }
}

function addLetters(projections: Command): void {
  const command = withApiOptions(
    projections.command('dead-letters').description('Events that it has left out, and why.'),
  )
  command
    .argument('<projection>')
    .option('--limit <number>', 'letters to show', '20')
    .option('--replay <letter>', 'apply this one to the documents as they are now')
  command.action(async (name: string, { limit, replay }: { limit: string; replay?: string }) => {
    const { api, output } = await openApi(command)
    if (replay !== undefined) {
      await api.post(path(name, `dead-letters/${encodeURIComponent(replay)}/replay`), {})
      return output.json ? output.data({ replayed: replay }) : output.line(`${replay} is applied`)
    }
    const found = await api.get<ProjectionLetterListBody>(
      `${path(name, 'dead-letters')}?limit=${encodeURIComponent(limit)}`,
    )
    if (output.json) return output.data(found)
    if (found.total === 0) return output.line('Nothing was left out.')
    const rows = found.letters.map((letter) => [
      String(letter.id),
      Number(letter.position),
      String(letter.code),
      String(letter.message),
    ])
    output.line(table(['letter', 'position', 'code', 'reason'], rows))
  })
}

function addRelay(projections: Command): void {
  const command = withApiOptions(
    projections.command('relay').description('How far stored events are on their way to the bus.'),
  )
  command.action(async () => {
    const { api, output } = await openApi(command)
    const relay = await api.get<RelayBody>('/api/relay')
    if (output.json) return output.data(relay)
    const { state, position, endPosition, published, refused, lastError } = relay
    output.line(
      `${state}, at position ${position} of ${endPosition}; ${published} published, ${refused} refused`,
    )
    if (lastError !== undefined) output.line(`last error, ${lastError.at}: ${lastError.message}`)
  })
}

async function list(api: ApiClient): Promise<ProjectionBody[]> {
  return (await api.get<ProjectionListBody>('/api/projections')).projections
}
