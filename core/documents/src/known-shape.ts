import type { Schema } from '@millrace/kernel'

/**
 * What is known of a value's properties. Standard Schema says nothing about them; some libraries (zod, arktype) offer
 * JSON Schema as well, as the Standard JSON Schema interface describes (https://standardschema.dev/json-schema), and
 * that is what this is made of.
 */
export interface Shape {
  /** What `$ref` begins at. */
  readonly root: JsonSchema
  /** Every one that the value may have. */
  readonly alternatives: readonly JsonSchema[]
}

/** The part of JSON Schema (draft 2020-12) that is looked at. */
interface JsonSchema {
  readonly $ref?: string
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly patternProperties?: unknown
  readonly items?: JsonSchema | boolean
  readonly prefixItems?: readonly JsonSchema[]
}

interface JsonSchemaConverter {
  output(options: { target: string; libraryOptions?: Record<string, unknown> }): JsonSchema
}

/** The shape of a schema's output; undefined if its library cannot tell. */
export function shapeOf(schema: Schema): Shape | undefined {
  const { jsonSchema } = schema['~standard'] as { jsonSchema?: JsonSchemaConverter }
  if (typeof jsonSchema?.output !== 'function') return undefined
  try {
    // What has no JSON Schema, as a date, becomes "anything" instead of an error; zod asks for it under this name.
    const libraryOptions = { unrepresentable: 'any' }
    const root = jsonSchema.output({ target: 'draft-2020-12', libraryOptions })
    return typeof root === 'object' ? { root, alternatives: [root] } : undefined
  } catch {
    // A schema that cannot be converted is one that cannot tell.
    return undefined
  }
}

/** What a path meets in a shape: a shape again (undefined: nothing is known), or a name that does not exist. */
export type PathFinding =
  | { readonly kind: 'known'; readonly shape: Shape | undefined }
  | { readonly kind: 'unknown-property'; readonly name: string; readonly names: readonly string[] }

/** Follows a path of properties. */
export function followPath(shape: Shape | undefined, path: readonly string[]): PathFinding {
  let current = shape
  for (const name of path) {
    if (current === undefined) break
    const finding = followName(current, name)
    if (finding.kind === 'unknown-property') return finding
    current = finding.shape
  }
  return { kind: 'known', shape: current }
}

/** The shape of the elements of an array. */
export function elementShape(shape: Shape | undefined): Shape | undefined {
  const schemas = shape === undefined ? undefined : flattened(shape)
  if (shape === undefined || schemas === undefined) return undefined
  const elements: JsonSchema[] = []
  for (const { items, prefixItems } of schemas) {
    if (typeof items === 'object') elements.push(items)
    if (prefixItems !== undefined) elements.push(...prefixItems)
  }
  return elements.length === 0 ? undefined : { root: shape.root, alternatives: elements }
}

function followName(shape: Shape, name: string): PathFinding {
  const schemas = flattened(shape)
  if (schemas === undefined) return { kind: 'known', shape: undefined }
  const found: JsonSchema[] = []
  const names = new Set<string>()
  for (const schema of schemas) {
    const { properties = {}, additionalProperties = true, patternProperties } = schema
    if (Object.hasOwn(properties, name)) found.push(properties[name]!)
    else if (!isObject(schema)) continue
    else if (typeof additionalProperties === 'object') found.push(additionalProperties)
    else if (additionalProperties || patternProperties !== undefined)
      return { kind: 'known', shape: undefined }
    for (const each of Object.keys(properties)) names.add(each)
  }
  if (found.length === 0) return { kind: 'unknown-property', name, names: [...names] }
  return { kind: 'known', shape: { root: shape.root, alternatives: found } }
}

/** How many schemas one value may be made of; more are taken for "anything", as are circles of references. */
const ALTERNATIVES_MAX = 200

/** The alternatives without references and unions; undefined if the value may be anything. */
function flattened({ root, alternatives }: Shape): readonly JsonSchema[] | undefined {
  const found: JsonSchema[] = []
  const waiting = [...alternatives]
  for (let seen = 0; waiting.length > 0; seen += 1) {
    const schema = waiting.pop()!
    if (seen > ALTERNATIVES_MAX) return undefined
    const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema
    const parts = [...anyOf, ...oneOf, ...allOf]
    waiting.push(...parts)
    if ($ref !== undefined) {
      const target = resolve(root, $ref)
      if (target === undefined) return undefined
      waiting.push(target)
    } else if (saysSomething(schema)) found.push(schema)
    else if (parts.length === 0) return undefined
  }
  return found
}

function saysSomething(schema: JsonSchema): boolean {
  return ['type', 'properties', 'const', 'enum'].some((keyword) => keyword in schema)
}

function isObject({ type, properties }: JsonSchema): boolean {
  return properties !== undefined || (Array.isArray(type) ? type.includes('object') : type === 'object')
}

/** Follows a reference within the document, `#/$defs/bench`. Source: RFC 6901 (JSON Pointer), section 6. */
function resolve(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (!reference.startsWith('#')) return undefined
  let current: unknown = root
  for (const part of reference.slice(1).split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current as JsonSchema
}
