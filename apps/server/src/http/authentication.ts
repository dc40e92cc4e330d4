import { createHash, timingSafeEqual } from 'node:crypto'
import { millraceError } from '@millrace/kernel'
import type { FastifyRequest } from 'fastify'

/** Lets a request through only if it carries the token as `Authorization: Bearer …`; compared in constant time. */
export function requireToken(apiToken: string): (request: FastifyRequest) => Promise<void> {
  const expected = digest(apiToken)
  return async ({ headers: { authorization } }) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw millraceError('API_UNAUTHORIZED', { seen: 'no API token' })
    if (!timingSafeEqual(digest(token), expected))
      throw millraceError('API_UNAUTHORIZED', { seen: 'a wrong API token' })
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
