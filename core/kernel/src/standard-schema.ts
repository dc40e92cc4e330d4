/*
 * Standard Schema, version 1 (https://standardschema.dev).
 *
 * Its authors offer the interface for copying, so that nobody needs a dependency for it, and its shape is fixed for ever
 * by its version number. This is that copy, with other names for its parts; a test holds it against the original.
 * Copyright (c) 2024 Colin McDonnell, MIT licence.
 */

/** What zod, valibot, arktype and others implement: a value can be checked, and becomes an `Output`. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>
}

/** The properties behind the one name that a schema gives away. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1
  /** The library. */
  readonly vendor: string
  /** For the compiler only; nothing is there at run time. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
  readonly validate: (
    value: unknown,
    options?: { readonly libraryOptions?: Record<string, unknown> | undefined } | undefined,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>
}

/** The value as the schema converts it, or what is wrong with it. `issues` tells which. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong, and where. */
export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
