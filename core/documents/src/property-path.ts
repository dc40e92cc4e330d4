/** How deep typed paths go; deeper properties are reached with a plain filter tree. */
type Levels = readonly [0, 0, 0, 0, 0]

type Deeper<Left extends readonly unknown[]> = Left extends readonly [unknown, ...infer Rest] ? Rest : never

/** The object behind an optional or nullable property; never for arrays and single values. */
type ObjectIn<Value> =
  Extract<NonNullable<Value>, object> extends infer Inner
    ? Inner extends readonly unknown[]
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

/** Paths to the properties of a document, nested ones too: `['last', 'celsius']`. */
export type PropertyPath<Value, Left extends readonly unknown[] = Levels> = Left extends readonly []
  ? never
  : {
      [Key in KeyOf<Value>]:
        | readonly [Key]
        | readonly [Key, ...PropertyPath<PropertyOf<Value, Key>, Deeper<Left>>]
    }[KeyOf<Value>]

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
