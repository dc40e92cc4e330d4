import { checkCycles } from './layers/cycles.ts'
import { checkDeclared } from './layers/declared.ts'
import { checkDirection } from './layers/direction.ts'
import { checkMembership } from './layers/membership.ts'
import { checkReach } from './layers/reach.ts'
import { checkReferences } from './layers/references.ts'
import { type Check, reportFindings } from './report.ts'

/** Who may know whom: every check of `layers.json` and of the package boundaries, by name. */
export const layerChecks = {
  membership: checkMembership,
  direction: checkDirection,
  declared: checkDeclared,
  reach: checkReach,
  cycles: checkCycles,
  references: checkReferences,
} satisfies Record<string, Check>

if (import.meta.main) reportFindings(layerChecks)
