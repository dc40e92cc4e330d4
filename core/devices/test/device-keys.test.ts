import { createHmac } from 'node:crypto'
import { derivedDevicePassword, deviceKeys } from '@millrace/devices'
import { expect, test } from 'vitest'

const secret = Uint8Array.from({ length: 32 }, (_, index) => index)

test('the password is HMAC-SHA-256 in URL-safe base64, as another implementation computes it', () => {
  const expected = createHmac('sha256', secret).update('millrace-device:bench-1').digest('base64url')
  expect(derivedDevicePassword(secret, 'bench-1')).toBe(expected)
  expect(deviceKeys(secret).passwordOf('bench-1')).toBe(expected)
})

test('only the right user with the right password is let in', async () => {
  const keys = deviceKeys(secret)
  const password = new TextEncoder().encode(keys.passwordOf('bench-1'))
  const given = { device: 'bench-1', user: 'bench-1', password, remoteAddress: 'x:1' }
  expect(await keys.authenticate(given)).toBe(true)
  expect(await keys.authenticate({ ...given, user: 'bench-2' })).toBe(false)
  expect(await keys.authenticate({ ...given, user: undefined })).toBe(false)
  expect(await keys.authenticate({ ...given, device: 'bench-2', user: 'bench-2' })).toBe(false)
  expect(await keys.authenticate({ ...given, password: undefined })).toBe(false)
  expect(await keys.authenticate({ ...given, password: password.subarray(1) })).toBe(false)
})

test('a secret that is too short to be one is refused, and a later change of it changes nothing', async () => {
  expect(() => deviceKeys(new Uint8Array(8))).toThrow(/16 bytes/)
  const changing = secret.slice()
  const keys = deviceKeys(changing)
  const before = keys.passwordOf('bench-1')
  changing.fill(0)
  expect(keys.passwordOf('bench-1')).toBe(before)
})
