import { assert, encodeBase64 } from '@millrace/kernel'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { DeviceAuthenticator } from './devices.ts'

/** Shortest secret that is accepted, in bytes: as long as the hash's security. */
const SECRET_BYTES_MIN = 16

const encoder = new TextEncoder()

/**
 * Lets a device in whose user name is its id and whose password is derived from its id and `secret`. Nothing is
 * stored per device, so 100,000 of them need no table; whoever knows the secret can print any device's password.
 *
 * The password is HMAC-SHA-256 (RFC 2104) of "millrace-device:" and the id, in URL-safe base64 (RFC 4648, section 5)
 * without padding: 43 characters. Passwords are compared in a time that does not depend on where they differ.
 */
export function deviceKeys(secret: Uint8Array): DeviceAuthenticator & { passwordOf(device: string): string } {
  assert(secret.length >= SECRET_BYTES_MIN, `a device secret has at least ${SECRET_BYTES_MIN} bytes`)
  const key = secret.slice()
  const passwordOf = (device: string) => derivedDevicePassword(key, device)
  return {
    passwordOf,
    authenticate: async ({ device, user, password }) =>
      user === device &&
      password !== undefined &&
      equalInConstantTime(password, encoder.encode(passwordOf(device))),
  }
}

/** The password of {@link deviceKeys} for one device. */
export function derivedDevicePassword(secret: Uint8Array, device: string): string {
  const mac = hmac(sha256, secret, encoder.encode(`millrace-device:${device}`))
  return encodeBase64(mac).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Compares without stopping at the first difference; the lengths are no secret. */
function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}
