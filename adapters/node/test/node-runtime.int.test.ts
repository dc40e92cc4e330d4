import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { nodeRuntime } from '@millrace/node'
import { expect, test } from 'vitest'

const run = promisify(execFile)

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

/** Runs code in a process that has nothing else to do, and resolves with what it printed when it has ended. */
async function runAlone(code: string): Promise<string> {
  const words = ['--input-type=module', '--eval', `import * as node from '@millrace/node'; ${code}`]
  const { stdout } = await run(process.execPath, words, { cwd: import.meta.dirname, timeout: 20_000 })
  return stdout
}

test('a pending task does not keep the process alive', async () => {
  const code = `node.nodeRuntime().scheduler.after(60_000, () => {})`
  expect(await runAlone(code)).toBe('')
})

test('a pending task keeps the process alive if it is asked to, until it has run or was cancelled', async () => {
  const code = `
    const { scheduler } = node.nodeRuntime({ timersHoldProcess: true })
    scheduler.after(60_000, () => {})()
    scheduler.after(20, () => console.log('ran'))
    node.nodeDirectory('never-made').runtime.scheduler.after(30, () => console.log('and in a directory'))`
  expect(await runAlone(code)).toBe('ran\nand in a directory\n')
})

test('random numbers stay within their bounds and differ', () => {
  const { random } = nodeRuntime()
  const numbers = Array.from({ length: 1000 }, () => random.next())
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
  expect(new Set(numbers).size).toBeGreaterThan(990)
  expect(random.bytes(16)).toHaveLength(16)
  expect(random.bytes(16)).not.toEqual(random.bytes(16))
})
