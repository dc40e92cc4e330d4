import type { Invariant } from '../invariant.ts'
import type { Oracle } from '../oracle/oracle.ts'

/** No error gets out of the code to where nobody waits for it. */
export function nothingEscapes({ escaped }: Oracle): Invariant {
  return { name: 'NothingEscapes', afterStep: () => escaped[0] }
}
