import { describe, expect, test } from 'vitest'
import { problemBody, statusBody } from '../src/api-shapes.ts'
import { connectDevice, post, request, startGreenhouse } from './world.ts'

describe('wrong requests', () => {
  test('a request without the token, or with a wrong one, learns nothing', async () => {
    const app = await startGreenhouse()
    for (const headers of [{ authorization: '' }, { authorization: 'Bearer wrong' }]) {
      const response = await request(app, '/api/status', { headers })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(problemBody.parse(await response.json()).code).toBe('API_UNAUTHORIZED')
    }
  })

  test.each([
    ['GET', '/api/devices/nobody', undefined, 404, 'DEVICE_UNKNOWN'],
    ['POST', '/api/devices/nobody/commands', { name: 'open-vent' }, 404, 'DEVICE_UNKNOWN'],
    ['GET', '/api/commands/none', undefined, 404, 'COMMAND_UNKNOWN'],
    ['GET', '/api/topics/none/messages', undefined, 404, 'TOPIC_UNKNOWN'],
    ['GET', '/api/topics/greenhouse.reading/messages?partition=7', undefined, 404, 'PARTITION_UNKNOWN'],
    ['GET', '/api/topics/greenhouse.reading/messages?limit=many', undefined, 400, 'API_REQUEST_INVALID'],
    ['GET', '/api/topics/none/live', undefined, 404, 'TOPIC_UNKNOWN'],
    [
      'POST',
      '/api/topics/greenhouse.reading/messages',
      { data: { celsius: 'warm' } },
      422,
      'EVENT_SCHEMA_MISMATCH',
    ],
    ['POST', '/api/topics/undeclared/messages', { data: {} }, 400, 'API_REQUEST_INVALID'],
    ['POST', '/api/topics/greenhouse.reading/messages', { date: 1 }, 400, 'API_REQUEST_INVALID'],
    ['GET', '/api/collections/none/documents', undefined, 404, 'COLLECTION_UNKNOWN'],
    ['GET', '/api/collections/benches/documents/none', undefined, 404, 'API_NOT_FOUND'],
    ['GET', '/api/nothing', undefined, 404, 'API_NOT_FOUND'],
  ])('%s %s %j answers %d %s as Problem Details', async (method, path, body, status, code) => {
    const app = await startGreenhouse()
    const response = await (method === 'POST' ? post(app, path, body) : request(app, path))
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    const problem = problemBody.parse(await response.json())
    expect(problem).toMatchObject({ status, code, type: `urn:millrace:error:${code}` })
    expect(problem.remedy).not.toBe('')
  })

  test('a body that is not JSON, and one that is too large, are refused without harm', async () => {
    const app = await startGreenhouse()
    const path = '/api/topics/greenhouse.reading/messages'
    const headers = { 'content-type': 'application/json' }
    const broken = await request(app, path, { method: 'POST', headers, body: '{' })
    expect([broken.status, problemBody.parse(await broken.json()).code]).toEqual([400, 'API_REQUEST_INVALID'])
    const large = await request(app, path, { method: 'POST', headers, body: `"${'x'.repeat(2_000_000)}"` })
    expect(large.status).toBe(413)
    const status = statusBody.parse(await (await request(app, '/api/status')).json())
    expect(status.counters).toMatchObject({ requestsRefused: 2, requestsFailed: 0 })
  })

  test('a command with a wrong setting names the setting', async () => {
    const app = await startGreenhouse()
    await connectDevice(app, 'bench-1')
    const response = await post(app, '/api/devices/bench-1/commands', { name: 'open vent', deadlineMs: 0 })
    expect(response.status).toBe(400)
    expect(problemBody.parse(await response.json()).title).toContain('name')
  })
})
