import { checkErrorsPage } from './errors-page.ts'
import { type Check, reportFindings } from './report.ts'
import { checkArchitecture } from './tidy/architecture.ts'
import { checkFailures } from './tidy/failures.ts'
import { checkLinks } from './tidy/links.ts'
import { checkLock } from './tidy/lock.ts'
import { checkNames } from './tidy/names.ts'
import { checkPlaces } from './tidy/places.ts'
import { checkPorts } from './tidy/ports.ts'
import { checkPurity } from './tidy/purity.ts'
import { checkReadmes } from './tidy/readmes.ts'
import { checkSize } from './tidy/size.ts'
import { checkSyntax } from './tidy/syntax.ts'
import { checkTestHonesty } from './tidy/test-honesty.ts'
import { checkTodos } from './tidy/todos.ts'

/** The style of the house, as far as a machine can see it: every check, by name. */
export const tidyChecks = {
  syntax: checkSyntax,
  size: checkSize,
  names: checkNames,
  purity: checkPurity,
  failures: checkFailures,
  todos: checkTodos,
  'test-honesty': checkTestHonesty,
  readmes: checkReadmes,
  links: checkLinks,
  places: checkPlaces,
  lock: checkLock,
  ports: checkPorts,
  architecture: checkArchitecture,
  errors: checkErrorsPage,
} satisfies Record<string, Check>

if (import.meta.main) reportFindings(tidyChecks)
