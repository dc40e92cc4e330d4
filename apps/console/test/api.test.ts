import { describe, expect, test } from 'vitest'
import { addressOf, createApi } from '../src/api/client.ts'
import { ApiProblem } from '../src/api/problem.ts'
import { createTokenBox, takeTokenFromAddress, tokenOfFragment, tokenOfPaste } from '../src/api/token.ts'

const memory = () => {
  const items = new Map<string, string>()
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

describe('the token', () => {
  test('is read from a fragment, a pasted token, or a pasted address', () => {
    expect(tokenOfFragment('#token=abc%20d')).toBe('abc d')
    expect([
      tokenOfFragment(''),
      tokenOfFragment('#'),
      tokenOfFragment('#token='),
      tokenOfFragment('#other=1'),
    ]).toEqual([undefined, undefined, undefined, undefined])
    expect(tokenOfPaste('  mr_123 ')).toBe('mr_123')
    expect(tokenOfPaste('http://127.0.0.1:8080/#token=mr_1')).toBe('mr_1')
    expect([tokenOfPaste('  '), tokenOfPaste('two words')]).toEqual([undefined, undefined])
  })

  test('leaves the address bar at once and stays for the tab', () => {
    const storage = memory()
    const addresses: string[] = []
    const location = { hash: '#token=t1', pathname: '/topics', search: '?a=1' }
    const history = {
      state: null,
      replaceState: (_: unknown, __: string, address: string) => addresses.push(address),
    }
    const box = createTokenBox(storage)
    takeTokenFromAddress(box, { location, history } as unknown as Window)
    expect(addresses).toEqual(['/topics?a=1'])
    expect(box.current()).toBe('t1')
    expect(createTokenBox(storage).current()).toBe('t1')
  })

  test('that was refused is forgotten, but not because of an answer to an older one', () => {
    const box = createTokenBox(memory())
    box.set('old')
    box.set('new')
    box.reject('old')
    expect(box.rejected()).toBe(false)
    box.reject('new')
    expect(box.rejected()).toBe(true)
    box.set('third')
    expect(box.rejected()).toBe(false)
  })
})

describe('the API', () => {
  const api = (answer: () => Response | Promise<Response>) => {
    const asked: { address: string; init: RequestInit }[] = []
    const box = createTokenBox(memory())
    box.set('secret')
    const send = (async (address: string, init: RequestInit) => {
      asked.push({ address, init })
      return answer()
    }) as typeof fetch
    return { api: createApi(box, send), asked, box }
  }
  const problemOf = async (work: Promise<unknown>) => {
    const thrown = await work.catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(ApiProblem)
    return (thrown as ApiProblem).body
  }

  test('sends the token and escapes what stands in paths', async () => {
    const { api: calls, asked } = api(() => Response.json({ commands: [] }))
    await calls.commandsOf('a/b #1')
    expect(asked[0]?.address).toBe('/api/devices/a%2Fb%20%231/commands')
    expect(asked[0]?.init.headers).toMatchObject({ authorization: 'Bearer secret' })
    expect(addressOf('/x', { a: 1, b: undefined, c: 'd e' })).toBe('/x?a=1&c=d+e')
  })

  test('hands on the problem that the server describes', async () => {
    const said = {
      type: 't',
      title: 'Unknown',
      status: 404,
      detail: 'No device x.',
      code: 'DEVICE_UNKNOWN',
      remedy: 'Look.',
      retryable: false,
    }
    const { api: calls } = api(() => Response.json(said, { status: 404 }))
    expect(await problemOf(calls.device('x'))).toEqual(said)
  })

  test('makes a problem of anything else that comes instead of an answer', async () => {
    expect(await problemOf(api(() => new Response('<html>', { status: 502 })).api.status())).toMatchObject({
      code: 'HTTP_502',
      retryable: true,
    })
    expect(
      await problemOf(api(() => Promise.reject(new TypeError('fetch failed'))).api.status()),
    ).toMatchObject({ code: 'CONSOLE_UNREACHABLE' })
    expect(await problemOf(api(() => new Response('<html>')).api.status())).toMatchObject({
      code: 'CONSOLE_UNREACHABLE',
    })
    expect(
      await problemOf(api(() => Promise.reject(new DOMException('', 'TimeoutError'))).api.status()),
    ).toMatchObject({ code: 'CONSOLE_TIMEOUT' })
  })

  test('takes 401 for a wrong token', async () => {
    const { api: calls, box } = api(() => new Response('', { status: 401 }))
    await problemOf(calls.status())
    expect(box.rejected()).toBe(true)
  })
})
