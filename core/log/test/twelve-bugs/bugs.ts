import type { Bug, Mutation } from './machinery/bug.ts'
import { mutations as failedSyncs } from './mutations/a-failed-sync-is-not-final.ts'
import { mutations as flippedBits } from './mutations/a-flipped-bit-loses-the-rest.ts'
import { mutations as kills } from './mutations/a-kill-makes-good-data-look-bad.ts'
import { mutations as silentDisks } from './mutations/a-silent-disk-is-taken-for-torn.ts'
import { mutations as tornGroups } from './mutations/a-torn-group-stops-the-start.ts'
import { mutations as acknowledgements } from './mutations/acknowledged-before-durable.ts'
import { mutations as deletions } from './mutations/deleted-before-the-peer-has-it.ts'
import { mutations as namesNotSynced } from './mutations/names-are-not-synced.ts'
import { mutations as rolls } from './mutations/roll-and-reclaim-in-steps.ts'
import { mutations as allSettings } from './mutations/settings-destroy-the-store.ts'
import { mutations as takeovers } from './mutations/takeovers-and-slow-peers.ts'
import { mutations as sequences } from './mutations/the-sequence-goes-back.ts'
import { bug as failedSync } from './scenarios/a-failed-sync-is-not-final.ts'
import { bug as flippedBit } from './scenarios/a-flipped-bit-loses-the-rest.ts'
import { bug as kill } from './scenarios/a-kill-makes-good-data-look-bad.ts'
import { bug as silentDisk } from './scenarios/a-silent-disk-is-taken-for-torn.ts'
import { bug as tornGroup } from './scenarios/a-torn-group-stops-the-start.ts'
import { bug as acknowledgement } from './scenarios/acknowledged-before-durable.ts'
import { bug as deletion } from './scenarios/deleted-before-the-peer-has-it.ts'
import { bug as nameNotSynced } from './scenarios/names-are-not-synced.ts'
import { bug as roll } from './scenarios/roll-and-reclaim-in-steps.ts'
import { bug as settings } from './scenarios/settings-destroy-the-store.ts'
import { bug as takeover } from './scenarios/takeovers-and-slow-peers.ts'
import { bug as sequence } from './scenarios/the-sequence-goes-back.ts'

/** A bug with what puts it back. */
export interface KnownBug {
  readonly bug: Bug
  readonly mutations: readonly Mutation[]
  /** URL of the module of `bug`, for a process of its own. */
  readonly module: string
}

function known(name: string, bug: Bug, mutations: readonly Mutation[]): KnownBug {
  return { bug, mutations, module: new URL(`scenarios/${name}.ts`, import.meta.url).href }
}

/** The twelve, in order. */
export const bugs: readonly KnownBug[] = [
  known('acknowledged-before-durable', acknowledgement, acknowledgements),
  known('a-kill-makes-good-data-look-bad', kill, kills),
  known('a-flipped-bit-loses-the-rest', flippedBit, flippedBits),
  known('a-torn-group-stops-the-start', tornGroup, tornGroups),
  known('names-are-not-synced', nameNotSynced, namesNotSynced),
  known('the-sequence-goes-back', sequence, sequences),
  known('roll-and-reclaim-in-steps', roll, rolls),
  known('a-silent-disk-is-taken-for-torn', silentDisk, silentDisks),
  known('a-failed-sync-is-not-final', failedSync, failedSyncs),
  known('deleted-before-the-peer-has-it', deletion, deletions),
  known('settings-destroy-the-store', settings, allSettings),
  known('takeovers-and-slow-peers', takeover, takeovers),
]
