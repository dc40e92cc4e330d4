import { millraceError } from '@millrace/kernel'

const DEVICE_ID = /^[a-zA-Z0-9._:-]{1,128}$/

/** True for 1 to 128 of a-z, A-Z, 0-9, ".", "_", ":" and "-": safe in topics, keys, URLs and file names alike. */
export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text)
}

/** Throws `DEVICE_ID_INVALID` unless {@link isDeviceId}. */
export function assertDeviceId(text: string): void {
  if (!isDeviceId(text))
    throw millraceError('DEVICE_ID_INVALID', { device: JSON.stringify(text.slice(0, 200)) })
}
