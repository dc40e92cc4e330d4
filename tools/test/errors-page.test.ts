import { catalogue } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { readErrorAreas } from '../src/error-areas.ts'
import { checkErrorsPage, errorsPage } from '../src/errors-page.ts'
import { root } from '../src/root.ts'
import { diskTree } from '../src/tree.ts'
import { readWorkspace } from '../src/workspace.ts'
import { complaints, smallHouse } from './small-house.ts'

const declaration = `import { defineErrors } from './error-entry.ts'

/** Errors of the log. */
export const logErrors = defineErrors({
  LOG_CLOSED: {
    seen: 'The log {directory} is closed',
    expected: 'an open log, ' + 'not <this>',
    remedy: 'Open it.',
    retryable: false,
  },
  DISK_FULL: { seen: 'No space', expected: 'space', remedy: 'Free space.', retryable: true },
})
`

const house = (changes: { page?: string; catalogue?: string; use?: string } = {}) => ({
  packages: {
    'core/kernel': {
      files: {
        'src/errors/log-errors.ts': declaration,
        'src/errors/catalogue.ts': changes.catalogue ?? "import { logErrors } from './log-errors.ts'\n",
      },
    },
    'core/log': { files: { 'src/log.ts': changes.use ?? "fail('LOG_CLOSED')\nfail('DISK_FULL')\n" } },
  },
  ...(changes.page === undefined ? {} : { files: { 'docs/reference/errors.md': changes.page } }),
})

const page = errorsPage(readErrorAreas(smallHouse(house())))

test('the page tells each error with what was seen, expected and to be done', () => {
  expect(page).toContain(`## log

Errors of the log.

### LOG_CLOSED

- **Seen:** The log \`{directory}\` is closed
- **Expected:** an open log, not &lt;this>
- **Remedy:** Open it.
- **Retryable:** no

### DISK_FULL
`)
})

test('a page made of the catalogue, each of whose errors is used, is as it should be', () => {
  expect(complaints(checkErrorsPage, house({ page }))).toEqual([])
})

test('an error that is not documented and one that does not exist are reported', () => {
  expect(
    complaints(checkErrorsPage, house({ page: page.replace('### DISK_FULL', '### DISK_EMPTY') })),
  ).toEqual([
    'docs/reference/errors.md: DISK_FULL is not documented. Run "npm run docs:errors".',
    'docs/reference/errors.md: DISK_EMPTY is documented, but does not exist. Run "npm run docs:errors".',
  ])
})

test('a page that is out of date or missing is reported', () => {
  expect(complaints(checkErrorsPage, house({ page: page.replace('Open it.', 'Shut it.') }))).toEqual([
    'docs/reference/errors.md: The page says something else than the catalogue. Run "npm run docs:errors".',
  ])
  expect(complaints(checkErrorsPage, house())).toEqual([
    'docs/reference/errors.md: The errors are not documented. Run "npm run docs:errors".',
  ])
})

test('an error that nothing uses is reported where it is declared', () => {
  expect(complaints(checkErrorsPage, house({ page, use: "fail('LOG_CLOSED')\n// DISK_FULL\n" }))).toEqual([
    'core/kernel/src/errors/log-errors.ts:11: Nothing uses the error DISK_FULL. Use it where the case occurs, or remove it; its name must not return with another meaning.',
  ])
})

test('a table that the catalogue leaves out is reported', () => {
  expect(complaints(checkErrorsPage, house({ page, catalogue: 'export const catalogue = {}\n' }))).toEqual([
    'core/kernel/src/errors/log-errors.ts: The errors of this file are not in the catalogue. Add them to core/kernel/src/errors/catalogue.ts.',
  ])
})

test('what is read from the sources is what the kernel exports', () => {
  const areas = readErrorAreas(readWorkspace(diskTree(root)))
  const declared = areas.flatMap(({ errors }) =>
    errors.map(({ code, line, ...entry }) => [code, entry] as const),
  )
  expect(Object.fromEntries(declared)).toEqual(catalogue)
})
