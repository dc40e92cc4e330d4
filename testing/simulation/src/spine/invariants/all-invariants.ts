import type { Invariant } from '../invariant.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { acknowledgedIsDurable } from './acknowledged-is-durable.ts'
import { commandsEndOnce } from './commands-end-once.ts'
import { effectAndCheckpointTogether } from './effect-and-checkpoint-together.ts'
import { nothingEscapes } from './nothing-escapes.ts'
import { nothingIsDroppedSilently } from './nothing-is-dropped-silently.ts'
import { offsetsNeverGoBack } from './offsets-never-go-back.ts'
import { orderPerKey } from './order-per-key.ts'
import { repetitionsAreRecognised } from './repetitions-are-recognised.ts'

/** Every invariant, new for one run. That everything converges is checked by the run itself. */
export function allInvariants(oracle: Oracle): readonly Invariant[] {
  return [
    nothingEscapes(oracle),
    acknowledgedIsDurable(oracle),
    offsetsNeverGoBack(oracle),
    orderPerKey(oracle),
    effectAndCheckpointTogether(oracle),
    nothingIsDroppedSilently(oracle),
    repetitionsAreRecognised(),
    commandsEndOnce(oracle),
  ]
}
