/** How deep typed paths go; deeper properties are reached with a plain filter tree. */
type Levels = readonly [0, 0, 0, 0, 0]

type Deeper<Left extends readonly unknown[]> = Left extends readonly [unknown, ...infer Rest] ? Rest : never

/** An object that stands for one value, as a date or a decimal does; it has no properties to ask for. */
export type ValueObject = { toJSON(...parameters: never[]): unknown } | Uint8Array

/** The object behind an optional or nullable property; never for arrays and single values. */
type ObjectIn<Value> =
  Extract<NonNullable<Value>, object> extends infer Inner
    ? Inner extends readonly unknown[] | ValueObject
      ? never
      : Inner
    : never

type Union<Value> = Value extends unknown ? Value : never

type KeyOf<Value> =
  Union<ObjectIn<Value>> extends infer Inner ? (Inner extends unknown ? keyof Inner & string : never) : never

type PropertyOf<Value, Key extends string> =
  Union<ObjectIn<Value>> extends infer Inner
    ? Inner extends unknown
      ? Key extends keyof Inner
        ? Inner[Key]
        : undefined
      : never
    : never

/** The names that are written out; an object that takes whatever names has these beside the others. */
type NamedKeyOf<Value> =
  Union<ObjectIn<Value>> extends infer Inner
    ? Inner extends unknown
      ? keyof { [Key in keyof Inner as string extends Key ? never : Key]: true } & string
      : never
    : never

/** Paths to the properties of a document, nested ones too: `['last', 'celsius']`. */
export type PropertyPath<Value, Left extends readonly unknown[] = Levels> = Left extends readonly []
  ? never
  :
      | { [Key in NamedKeyOf<Value>]: PathFrom<Value, Key, Left> }[NamedKeyOf<Value>]
      | (string extends KeyOf<Value> ? PathFrom<Value, string, Left> : never)

type PathFrom<Value, Key extends string, Left extends readonly unknown[]> =
  | readonly [Key]
  | readonly [Key, ...PropertyPath<PropertyOf<Value, Key>, Deeper<Left>>]

/** What is at a path. */
export type ValueAt<Value, Path extends readonly string[]> = Path extends readonly [
  infer Key extends string,
  ...infer Rest extends readonly string[],
]
  ? ValueAt<PropertyOf<Value, Key>, Rest>
  : Value

/** A property by its name, or a nested one by its path. */
export type Property<Document> = KeyOf<Document> | PropertyPath<Document>

/** What a property holds. */
export type PropertyValue<Document, P> = P extends readonly string[]
  ? ValueAt<Document, P>
  : P extends string
    ? PropertyOf<Document, P>
    : never

/** What an array holds, behind an optional or nullable property too; never if it is no array. */
export type ElementOf<Value> = unknown extends Value
  ? unknown
  : NonNullable<Value> extends infer Inner
    ? Inner extends readonly (infer Element)[]
      ? Element
      : never
    : never

/** The single values that a property may have: texts, numbers, booleans, bigints, dates and their like. */
export type SingleIn<Value> = Extract<NonNullable<Value>, string | number | boolean | bigint | ValueObject>

/** The path of a property that was given by its name or its path. */
export function pathOf(property: string | readonly string[]): readonly string[] {
  return typeof property === 'string' ? [property] : property
}
