import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorText, millraceError } from '@millrace/kernel'
import type { App } from './app-definition.ts'

/**
 * Loads an application file (TypeScript that Node can strip, or JavaScript).
 *
 * @throws APP_FILE_NOT_FOUND, APP_FILE_BROKEN with the place and reason, APP_DEFINITION_INVALID
 */
export async function loadApp(file: string): Promise<App> {
  const path = resolve(file)
  try {
    await access(path)
  } catch (error) {
    throw millraceError('APP_FILE_NOT_FOUND', { file: path }, { cause: error })
  }
  const module = await importFile(path)
  const app: unknown = module.default
  if (isApp(app)) return app
  const seen = app === undefined ? 'no default export' : `a default export that is ${describe(app)}`
  throw millraceError('APP_DEFINITION_INVALID', { file: path, seen })
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    throw millraceError('APP_FILE_BROKEN', { file: path, reason: reasonOf(error) }, { cause: error })
  }
}

/** The message with the place that the loader put at the top of the stack: `app.ts:3` and the line of source. */
function reasonOf(error: unknown): string {
  const [place = '', source = ''] = (error instanceof Error ? (error.stack ?? '') : '').split('\n')
  const hasPlace = /:\d+$/.test(place)
  return hasPlace
    ? `${errorText(error)} at ${place.replace(/^file:\/\//, '')}: ${source.trim()}`
    : errorText(error)
}

function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'app'
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'not made by defineApp' : `a ${typeof value}`
}
