import type { ValueType } from '@millrace/documents'

/** A decimal as the well-known libraries have it, in the little that matters here. */
export class Decimal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON() {
    return this.text
  }
}

export const decimal: ValueType<Decimal> = {
  name: 'decimal',
  json: 'number',
  is: (value): value is Decimal => value instanceof Decimal,
  encode: ({ text }) => text,
  decode: (text) => new Decimal(text),
}
