import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ERRORS_FOLDER, type ErrorArea, errorSources, readErrorAreas } from './error-areas.ts'
import type { Finding } from './finding.ts'
import { root } from './root.ts'
import { diskTree } from './tree.ts'
import { filesOf, readWorkspace, type Workspace } from './workspace.ts'

const PAGE = 'docs/reference/errors.md'
const CURE = 'Run "npm run docs:errors"'

/** The page that documents every error of the catalogue. */
export function errorsPage(areas: readonly ErrorArea[]): string {
  return [
    '# Errors',
    '',
    'Every error that Millrace foresees has a code that never changes its meaning. Its message says what was seen,',
    'what was expected, and what to do. *Retryable* means that the same call may succeed later without anybody',
    'changing anything. Words in `{braces}` are filled in.',
    '',
    `This page is made from \`${ERRORS_FOLDER}\` by \`npm run docs:errors\`.`,
    ...areas.flatMap((area) => ['', `## ${area.name}`, '', area.about, ...area.errors.flatMap(errorLines)]),
    '',
  ].join('\n')
}

/** The page and the catalogue agree, the catalogue is whole, and every code is used. */
export function checkErrorsPage(workspace: Workspace): Finding[] {
  const areas = readErrorAreas(workspace)
  if (areas.length === 0) return []
  return [...checkPage(workspace, areas), ...checkWhole(workspace, areas), ...checkUse(workspace, areas)]
}

function errorLines(error: ErrorArea['errors'][number]): string[] {
  return [
    '',
    `### ${error.code}`,
    '',
    `- **Seen:** ${inMarkdown(error.seen)}`,
    `- **Expected:** ${inMarkdown(error.expected)}`,
    `- **Remedy:** ${inMarkdown(error.remedy)}`,
    `- **Retryable:** ${error.retryable ? 'yes' : 'no'}`,
  ]
}

function inMarkdown(text: string): string {
  return text
    .replace(/\{\w+\}/g, '`$&`')
    .replace(/</g, '&lt;')
    .replace(/\*/g, '\\*')
}

function checkPage({ tree }: Workspace, areas: readonly ErrorArea[]): Finding[] {
  if (!tree.has(PAGE)) return [{ path: PAGE, wrong: 'The errors are not documented', cure: CURE }]
  const page = tree.read(PAGE)
  const documented = [...page.matchAll(/^### ([A-Z0-9_]+)$/gm)].map((match) => match[1] ?? '')
  const declared = areas.flatMap((area) => area.errors.map(({ code }) => code))
  const differences = [
    ...declared.filter((code) => !documented.includes(code)).map((code) => `${code} is not documented`),
    ...documented
      .filter((code) => !declared.includes(code))
      .map((code) => `${code} is documented, but does not exist`),
  ]
  if (differences.length === 0 && page !== errorsPage(areas))
    differences.push('The page says something else than the catalogue')
  return differences.map((wrong) => ({ path: PAGE, wrong, cure: CURE }))
}

function checkWhole(workspace: Workspace, areas: readonly ErrorArea[]): Finding[] {
  const catalogue = errorSources(workspace).find(({ path }) => path === `${ERRORS_FOLDER}/catalogue.ts`)
  const left = areas.filter(
    (area) => !catalogue?.imports.some(({ specifier }) => specifier === `./${area.name}-errors.ts`),
  )
  return left.map(({ path }) => ({
    path,
    wrong: 'The errors of this file are not in the catalogue',
    cure: `Add them to ${ERRORS_FOLDER}/catalogue.ts`,
  }))
}

function checkUse(workspace: Workspace, areas: readonly ErrorArea[]): Finding[] {
  const texts = filesOf(workspace, 'src')
    .filter(({ source }) => !source.path.startsWith(`${ERRORS_FOLDER}/`))
    .map(({ source }) => source.text)
  return areas.flatMap(({ path, errors }) =>
    errors
      .filter(({ code }) => !texts.some((text) => text.includes(`'${code}'`)))
      .map(({ code, line }) => ({
        path,
        line,
        wrong: `Nothing uses the error ${code}`,
        cure: 'Use it where the case occurs, or remove it; its name must not return with another meaning',
      })),
  )
}

if (import.meta.main) {
  const areas = readErrorAreas(readWorkspace(diskTree(root)))
  mkdirSync(dirname(join(root, PAGE)), { recursive: true })
  writeFileSync(join(root, PAGE), errorsPage(areas))
  console.log(`${PAGE}: ${areas.reduce((sum, area) => sum + area.errors.length, 0)} errors`)
}
