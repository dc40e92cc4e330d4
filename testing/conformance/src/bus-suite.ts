import { describe } from 'vitest'
import { busDeadLetterTests } from './bus-dead-letter-tests.ts'
import { busDelayTests } from './bus-delay-tests.ts'
import { busDurabilityTests } from './bus-durability-tests.ts'
import { busGroupTests } from './bus-group-tests.ts'
import type { BusFactory } from './bus-harness.ts'
import { busIdempotencyTests } from './bus-idempotency-tests.ts'
import { busPublishTests } from './bus-publish-tests.ts'
import { busSubscriptionTests } from './bus-subscription-tests.ts'
import { busTopicTests } from './bus-topic-tests.ts'
import { busWriterTests } from './bus-writer-tests.ts'

/** What every `Bus` must do: each member and each promise of the port, and the honest refusal of what it does not support. */
export function busSuite(name: string, factory: BusFactory): void {
  describe(`${name} is a bus`, () => {
    describe('topics', () => busTopicTests(factory))
    describe('publishing and reading', () => busPublishTests(factory))
    describe('subscriptions', () => busSubscriptionTests(factory))
    describe('groups', () => busGroupTests(factory))
    describe('idempotency', () => busIdempotencyTests(factory))
    describe('exclusive writers', () => busWriterTests(factory))
    describe('delay', () => busDelayTests(factory))
    describe('dead letters', () => busDeadLetterTests(factory))
    describe('durability', () => busDurabilityTests(factory))
  })
}
