import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, soon, startBrowser, type TestBrowser } from './browser.ts'
import { type FakeApi, type FakeApiOptions, startFakeApi } from './fake-api.ts'

let browser: TestBrowser

beforeAll(async () => {
  await buildConsole()
  browser = await startBrowser()
}, 120_000)

afterAll(() => browser?.[Symbol.asyncDispose]())

/** Runs a test on a page of the console, which must not complain about anything. */
async function on(
  path: string,
  run: (page: Page, fake: FakeApi) => Promise<void>,
  options: FakeApiOptions = {},
): Promise<void> {
  await using fake = await startFakeApi({ tickMs: 250, ...options })
  const { page, complaints } = await browser.open(`${fake.address}${path}#token=${fake.token}`)
  await run(page, fake)
  expect(complaints).toEqual([])
  await page.close()
}

const text = (page: Page, selector: string) => page.locator(selector).first().innerText()
const rows = (page: Page) => page.getByRole('grid', { name: 'Devices' }).locator('tbody tr')

describe('the fleet page', () => {
  test('shows the devices with presence, values that change, sparklines, and the summary', () =>
    on('/', async (page) => {
      await page.getByText('40 devices').waitFor()
      const row = rows(page).first()
      await soon(() => row.innerText()).toMatch(/bench-01[\s\S]*Connected[\s\S]*humidity/)
      await soon(() => row.locator('path').getAttribute('d')).toMatch(/^M.*L/)
      const before = await row.innerText()
      await soon(() => row.innerText()).not.toBe(before)
      const summary = page.getByRole('region', { name: 'Summary' })
      await soon(() => summary.innerText()).toMatch(/\d+\s*events per second/)
      expect(await summary.innerText()).toMatch(/of 40\s*devices connected[\s\S]*6\s*dead letters waiting/)
    }))

  test('filters by name and presence, keeps both in the address, and says when nothing matches', () =>
    on('/', async (page) => {
      await rows(page).first().waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('bench-1')
      await page.getByText('10 of 40 devices').waitFor()
      await page.locator('label', { hasText: 'Away' }).click()
      await soon(() => rows(page).first().innerText()).toContain('bench-13')
      expect(new URL(page.url()).search).toMatch(/find=bench-1.*presence=away/)
      await page.reload()
      await soon(() => page.getByLabel('Filter devices').inputValue()).toBe('bench-1')
      await page.getByLabel('Filter devices').fill('nothing like that')
      await page.getByText('No device matches').waitFor()
      await page.getByRole('button', { name: 'Show all devices' }).click()
      await page.getByText('40 devices', { exact: true }).waitFor()
    }))

  test('sorts by the shown value, in both directions', () =>
    on(
      '/',
      async (page) => {
        await rows(page).first().waitFor()
        const values = async () =>
          (await rows(page).locator('td:nth-child(3)').allInnerTexts())
            .map((value) => Number.parseFloat(value))
            .slice(0, 8)
        await page.getByRole('button', { name: 'celsius' }).click()
        await soon(async () => isSorted(await values(), 1)).toBe(true)
        await page.getByRole('button', { name: 'celsius' }).click()
        await soon(async () => isSorted(await values(), -1)).toBe(true)
      },
      { tickMs: 60_000 },
    ))

  test('is driven by the keyboard: arrows choose a row, Enter opens it', () =>
    on('/', async (page) => {
      await rows(page).first().waitFor()
      await page.keyboard.press('/')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowUp')
      await soon(() => page.locator('tr[aria-selected="true"]').innerText()).toContain('bench-02')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/devices/bench-02')
    }))

  test('draws only what can be seen of ten thousand devices, and reaches the last one', () =>
    on(
      '/',
      async (page) => {
        await page.getByText('10\u202F000 devices').waitFor()
        expect(await rows(page).count()).toBeLessThan(50)
        await page.getByRole('grid').focus()
        await page.keyboard.press('End')
        await soon(() => page.locator('tr[aria-selected="true"]').innerText()).toContain('bench-10000')
        expect(await rows(page).count()).toBeLessThan(50)
        await page.getByLabel('Filter devices').fill('9999')
        await page.getByText('1 of 10\u202F000 devices').waitFor()
      },
      { devices: 10_000, pastSeconds: 1, tickMs: 5_000 },
    ))
})

describe('a device page', () => {
  test('draws a chart for each number, from the past of the topic on, and goes on live', () =>
    on('/devices/bench-02', async (page) => {
      await page.locator('[data-chart="greenhouse.reading celsius"] canvas').waitFor()
      expect(await page.locator('[data-chart]').count()).toBeGreaterThanOrEqual(3)
      const label = () =>
        page.locator('[data-chart="greenhouse.reading celsius"] [role="img"]').getAttribute('aria-label')
      const readings = async () => Number(/last (\d+) readings/.exec((await label()) ?? '')?.[1])
      await soon(readings).toBeGreaterThan(60)
      const before = await readings()
      await soon(readings).toBeGreaterThan(before)
      const inked = await page
        .locator('[data-chart] canvas')
        .first()
        .evaluate((canvas: HTMLCanvasElement) => {
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
          return data.filter((value, index) => index % 4 === 3 && value > 0).length
        })
      expect(inked).toBeGreaterThan(2_000)
    }))

  test('sends a command and shows each state that it goes through', () =>
    on('/devices/bench-02', async (page) => {
      await page.getByRole('button', { name: 'Send command' }).waitFor()
      await page.keyboard.press('c')
      await page.keyboard.type('open-vent')
      await page.keyboard.press('Escape')
      await page.getByLabel('Data (JSON)').fill('{"percent": 35}')
      await page.getByRole('button', { name: 'Send command' }).click()
      const sent = page.locator('[data-command]').first()
      await soon(() => sent.innerText()).toContain('percent 35')
      await soon(() => sent.locator('ol').getAttribute('aria-label')).toBe('State: done')
      const steps = await sent.locator('ol li').allInnerTexts()
      expect(steps.map((step) => step.split('\n')[0])).toEqual(['queued', 'sent', 'acknowledged', 'done'])
      for (const step of steps) expect(step).toMatch(/\d\d:\d\d:\d\d/)
      await soon(() => sent.innerText()).toContain('tookMs 840')
      await page.reload()
      await soon(async () => (await sent.locator('ol').innerText()).match(/\d\d:\d\d:\d\d/g)?.length).toBe(4)
    }))

  test('says what is wrong with a command before it is sent, and what the server says after', () =>
    on('/devices/bench-02', async (page) => {
      await page.getByRole('button', { name: 'Send command' }).click()
      await page.getByText('A command needs a name.').waitFor()
      await page.getByLabel('Data (JSON)').fill('{"percent": }')
      await page.getByText('Expected a value at line 1, column 13, but saw "}".').waitFor()
      await page.getByLabel('Data (JSON)').fill('{}')
      await page.getByRole('combobox', { name: 'Name' }).fill('fail-on-purpose')
      await page.getByRole('button', { name: 'Send command' }).click()
      await soon(() => text(page, '[data-command]')).toMatch(/failed[\s\S]*The motor is blocked/)
    }))
})

describe('a topic page', () => {
  test('browses from the newest to the oldest messages and back', () =>
    on('/topics/greenhouse.reading', async (page) => {
      const firstOffset = async () => Number(await text(page, 'tbody button'))
      await page.locator('tbody tr').nth(49).waitFor()
      const newest = await firstOffset()
      await page.getByRole('button', { name: 'Earlier' }).click()
      await soon(firstOffset).toBe(newest - 50)
      await page.keyboard.press(']')
      await soon(firstOffset).toBe(newest)
      await page.getByRole('button', { name: 'Oldest' }).click()
      await soon(firstOffset).toBeLessThan(newest - 500)
      await page.getByLabel('Go to offset').fill(String(newest - 7))
      await page.keyboard.press('Enter')
      await soon(firstOffset).toBe(newest - 7)
      await page.getByRole('button', { name: `Open message ${newest - 7}` }).click()
      const details = page.getByRole('dialog')
      await soon(() => details.innerText()).toMatch(/celsius[\s\S]*"specversion": "1.0"[\s\S]*ce-source/)
      await page.keyboard.press('Escape')
      await details.waitFor({ state: 'detached' })
    }))

  test('follows what comes in, holds still, and goes on', () =>
    on('/topics/greenhouse.reading?tab=follow', async (page) => {
      await page.locator('tbody tr').nth(30).waitFor()
      await page.keyboard.press('p')
      await page.getByText(/Paused, \d+ waiting/).waitFor()
      const held = await page.locator('tbody').innerText()
      await soon(() => page.getByText(/Paused, \d+ waiting/).innerText()).toMatch(/\d{2,}/)
      expect(await page.locator('tbody').innerText()).toBe(held)
      await page.getByRole('button', { name: 'Go on' }).click()
      await soon(() => page.locator('tbody').innerText()).not.toBe(held)
      expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(300)
    }))

  test('publishes an event, beginning with the form of the newest one', () =>
    on('/topics/greenhouse.alarm', async (page, fake) => {
      await page.getByRole('button', { name: 'Publish an event' }).waitFor()
      await page.keyboard.press('n')
      const data = page.getByRole('dialog').getByLabel('Data (JSON)')
      await data.waitFor()
      await data.fill('{"celsius": 40.5, "limit": 33}')
      await page.getByLabel('Subject').fill('bench-07')
      await page.getByRole('button', { name: 'Publish', exact: true }).click()
      await page.getByText(/Durable at partition 0, offset \d+/).waitFor()
      await soon(() => page.locator('tbody').innerText()).toContain('celsius 40.5')
      expect(fake.backbone.topics.get('greenhouse.alarm')?.read(0, -1, 1)?.messages[0]?.key).toBe('bench-07')
    }))

  test('shows dead letters with their causes and replays one, then all, after asking', () =>
    on('/topics/greenhouse.reading?tab=dead-letters', async (page, fake) => {
      const letter = page.locator('[data-letter="1"]')
      await soon(() => letter.innerText()).toMatch(
        /HANDLER_FAILED[\s\S]*too-hot after 5 attempts[\s\S]*but saw "n\/a"/,
      )
      await letter.getByRole('button', { name: 'Replay' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
      expect(fake.backbone.letters[1]?.replayed).toBe(false)
      await letter.getByRole('button', { name: 'Replay' }).click()
      await page.getByRole('button', { name: 'Replay 1 dead letter' }).click()
      await letter.getByText('replayed', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Replay all 5' }).click()
      await page.getByRole('button', { name: 'Replay 5 dead letters' }).click()
      await page.getByText('0 letters waiting').waitFor()
      expect(fake.backbone.letters.every((each) => each.replayed)).toBe(true)
    }))

  test('is found in the list of topics, where those of Millrace itself can be shown', () =>
    on('/topics', async (page) => {
      await page.getByRole('link', { name: 'greenhouse.reading' }).waitFor()
      expect(await page.getByText('millrace.commands').count()).toBe(0)
      await page.locator('label', { hasText: 'Topics of Millrace itself' }).click()
      await page.getByRole('link', { name: 'millrace.commands' }).waitFor()
      await page.getByRole('link', { name: '6 waiting' }).click()
      await page.waitForURL('**/topics/greenhouse.reading?tab=dead-letters')
    }))
})

describe('documents and processors', () => {
  test('collections lead to documents, and a document to its details', () =>
    on('/documents', async (page) => {
      await page.getByRole('link', { name: 'benches' }).click()
      await page.getByRole('button', { name: 'bench-03' }).click()
      await soon(() => page.getByRole('dialog').innerText()).toMatch(
        /bench-03[\s\S]*Revision \d+[\s\S]*"celsius"/,
      )
      expect(page.url()).toMatch(/id=bench-03/)
      await page.keyboard.press('Escape')
      await page.getByRole('link', { name: 'Documents', exact: true }).first().click()
      await page.getByRole('link', { name: 'weekly-reports' }).click()
      await page.getByText('No documents yet').waitFor()
    }))

  test('processors tell their state, their lag and their last error', () =>
    on('/processors', async (page) => {
      const actor = page.getByRole('article', { name: 'too-hot' })
      await soon(() => actor.innerText()).toMatch(/actor[\s\S]*running[\s\S]*Lag[\s\S]*HANDLER_FAILED/)
      await soon(() => page.getByRole('region', { name: 'This instance' }).innerText()).toMatch(
        /embedded log/,
      )
    }))
})

function isSorted(values: readonly number[], sign: 1 | -1): boolean {
  return (
    values.length > 3 &&
    values.every((value, index) => index === 0 || sign * (value - values[index - 1]!) >= 0)
  )
}
