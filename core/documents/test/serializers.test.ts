import { type KnownValues, serializerSuite } from '@millrace/conformance'
import { jsonSerializer, plainSerializer } from '@millrace/documents'
import { Decimal, decimal } from './decimal.ts'

const dates: KnownValues = {
  kind: 'date',
  values: ['0000-01-01', '1969-12-31T23:59:59.999Z', '2026-01-31T12:00:00.123Z', '9999-12-31'].map(
    (text) => new Date(text),
  ),
}
const bigints: KnownValues = { kind: 'bigint', values: [-(2n ** 40n), -1n, 0n, 7n, 2n ** 53n] }
const bytes: KnownValues = {
  kind: 'bytes',
  values: [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(255, 0, 7)],
  hasNoOrder: true,
}
const decimals: KnownValues = {
  kind: 'decimal',
  values: ['-12.5', '0.25', '12.125', '1000000'].map((text) => new Decimal(text)),
}

serializerSuite('jsonSerializer()', () => ({ serializer: jsonSerializer(), knows: [dates, bigints, bytes] }))

serializerSuite('jsonSerializer() with decimals', () => ({
  serializer: jsonSerializer({ types: [decimal] }),
  knows: [dates, bigints, bytes, decimals],
}))

serializerSuite('plainSerializer', () => ({ serializer: plainSerializer, knows: [] }))
