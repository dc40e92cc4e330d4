import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { nodeRuntime } from '@millrace/node'
import { expect, test } from 'vitest'

test('a task runs later, never at once, and not if it was cancelled', async () => {
  const { scheduler } = nodeRuntime()
  const ran: string[] = []
  const cancel = scheduler.after(0, () => ran.push('cancelled'))
  const done = new Promise<void>((resolve) => {
    scheduler.after(1, () => {
      ran.push('later')
      resolve()
    })
  })
  ran.push('first')
  cancel()
  cancel()
  await done
  expect(ran).toEqual(['first', 'later'])
})

test('a delay longer than a timer can wait does not fire at once', async () => {
  const { scheduler } = nodeRuntime()
  let fired = false
  const cancel = scheduler.after(2 ** 40, () => {
    fired = true
  })
  await new Promise<void>((resolve) => scheduler.after(5, resolve))
  expect(fired).toBe(false)
  cancel()
})

test('a pending task does not keep the process alive', async () => {
  const code = `import { nodeRuntime } from '@millrace/node'; nodeRuntime().scheduler.after(60_000, () => {})`
  const arguments_ = ['--input-type=module', '--eval', code]
  const child = spawn(process.execPath, arguments_, {
    cwd: import.meta.dirname,
    stdio: 'inherit',
    timeout: 20_000,
  })
  expect((await once(child, 'exit'))[0]).toBe(0)
})

test('random numbers stay within their bounds and differ', () => {
  const { random } = nodeRuntime()
  const numbers = Array.from({ length: 1000 }, () => random.next())
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
  expect(new Set(numbers).size).toBeGreaterThan(990)
  expect(random.bytes(16)).toHaveLength(16)
  expect(random.bytes(16)).not.toEqual(random.bytes(16))
})
