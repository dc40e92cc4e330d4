import { errorText, millraceError } from './errors/millrace-error.ts'
import type { StandardIssue, StandardSchema } from './standard-schema.ts'

/** Any Standard Schema (https://standardschema.dev, version 1): zod, valibot, arktype and others. */
export type Schema<Output = unknown> = StandardSchema<unknown, Output>

/** What a schema's output looks like. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** One thing that is wrong with a value, and where. */
export interface SchemaIssue {
  /** Path in the value, as `readings[2].celsius`; empty for the value itself. */
  readonly path: string
  readonly message: string
}

/** The outcome of {@link checkSchema}. */
export type SchemaResult<Output> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] }

/**
 * Checks `value` against `schema` without throwing on bad input. Schemas with asynchronous checks are
 * refused with `SCHEMA_ASYNCHRONOUS`, because an event must be judged before it is acknowledged.
 */
export function checkSchema<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
): SchemaResult<Output> {
  let result: ReturnType<(typeof schema)['~standard']['validate']>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    // A refinement or a transformation of the application threw: the value does not fit, nothing else is wrong.
    return { ok: false, issues: [{ path: '', message: errorText(error) }] }
  }
  if (result instanceof Promise) {
    // It may still reject, and a rejection without a listener ends the process.
    result.catch(() => {})
    throw millraceError('SCHEMA_ASYNCHRONOUS', { vendor: schema['~standard'].vendor })
  }
  if (result.issues === undefined) return { ok: true, value: result.value }
  return {
    ok: false,
    issues: result.issues.map((issue) => ({ path: formatPath(issue.path), message: issue.message })),
  }
}

/** One line for people: `celsius: expected number, received string; id: required`. */
export function formatIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
}

function formatPath(path: StandardIssue['path']): string {
  let text = ''
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    if (typeof key === 'number') text += `[${key}]`
    else text += text === '' ? String(key) : `.${String(key)}`
  }
  return text
}
