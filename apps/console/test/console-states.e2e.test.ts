import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, crushedTexts, poorContrast, soon, startBrowser, type TestBrowser } from './browser.ts'
import { type FakeApi, type FakeApiOptions, startFakeApi } from './fake-api.ts'

let browser: TestBrowser

beforeAll(async () => {
  await buildConsole()
  browser = await startBrowser()
}, 120_000)

afterAll(() => browser?.[Symbol.asyncDispose]())

/** Runs a test on a page; what the page says to its console comes along. */
async function on(
  path: string,
  run: (page: Page, fake: FakeApi, complaints: string[]) => Promise<void>,
  options: FakeApiOptions & { readonly prepare?: (fake: FakeApi) => void; readonly token?: string } = {},
): Promise<void> {
  await using fake = await startFakeApi({ tickMs: 250, ...options })
  options.prepare?.(fake)
  const token = options.token ?? fake.token
  const { page, complaints } = await browser.open(`${fake.address}${path}${token && `#token=${token}`}`)
  await run(page, fake, complaints)
  await page.close()
}

const PAGES = [
  '/',
  '/devices/bench-02',
  '/topics',
  '/topics/greenhouse.reading',
  '/topics/greenhouse.reading?tab=dead-letters',
  '/documents/benches',
  '/processors',
]
/** What is on each page once it has loaded. */
const LOADED = 'main :is(tbody tr, [data-chart] canvas, [data-letter], article)'

describe('the token', () => {
  test('is asked for when it is missing, and may be pasted as the whole address', () =>
    on(
      '/topics',
      async (page, fake, complaints) => {
        await page.getByText('Which token opens this console?').waitFor()
        await page.getByText('.millrace/api-token').waitFor()
        await page.getByLabel('API token').fill('two words')
        await page.keyboard.press('Enter')
        await page.getByText('Paste the token, or the whole address').waitFor()
        await page.getByLabel('API token').fill(`${fake.address}/#token=${fake.token}`)
        await page.keyboard.press('Enter')
        await page.getByRole('link', { name: 'greenhouse.reading' }).waitFor()
        expect(complaints).toEqual([])
      },
      { token: '' },
    ))

  test('that is wrong is refused in words, and a right one opens the page that was asked for', () =>
    on(
      '/processors',
      async (page, fake) => {
        await page.getByText('The server refused this token').waitFor()
        await page.getByLabel('API token').fill(fake.token)
        await page.keyboard.press('Enter')
        await page.getByRole('article', { name: 'too-hot' }).waitFor()
      },
      { token: 'wrong' },
    ))

  test('leaves the address bar, survives a reload of the tab, and stays out of other tabs', () =>
    on('/topics?system=true', async (page, fake) => {
      await page.getByRole('link', { name: 'millrace.commands' }).waitFor()
      expect(page.url()).toBe(`${fake.address}/topics?system=true`)
      await page.reload()
      await page.getByRole('link', { name: 'millrace.commands' }).waitFor()
      const other = await browser.open(`${fake.address}/`)
      await other.page.getByText('Which token opens this console?').waitFor()
      await other.page.close()
    }))
})

describe('states', () => {
  test('an empty backbone says on each page what would fill it', () =>
    on(
      '/',
      async (page, fake) => {
        await page.getByText('No device has connected yet').waitFor()
        await page.goto(`${fake.address}/topics/greenhouse.alarm`)
        await page.getByText('No messages in this partition').waitFor()
        await page.getByRole('tab', { name: 'Dead letters' }).click()
        await page.getByText('No dead letters').waitFor()
        await page.goto(`${fake.address}/topics/no.such`)
        await page.getByText('There is no topic "no.such"').waitFor()
        await page.goto(`${fake.address}/no/such/page`)
        await page.getByText('There is no such page').waitFor()
      },
      { devices: 0 },
    ))

  test('a problem is shown with its remedy on every page, and the retry mends it', () =>
    on(
      '/',
      async (page, fake) => {
        for (const path of PAGES) {
          fake.switches.failing = /^\/api\/(devices|topics|dead-letters|collections|status)/
          await page.goto(fake.address + path)
          await page.getByText('Wait until the server is up again.').first().waitFor()
          fake.switches.failing = undefined
          await page.getByRole('button', { name: 'Try again' }).first().click()
          await page.locator(LOADED).first().waitFor()
        }
      },
      { pastSeconds: 30 },
    ))

  test('an unknown device is a problem of its own and not a blank page', () =>
    on('/devices/nobody', async (page) => {
      await page.getByText('There is no "nobody"').waitFor()
      await page.getByText('DEVICE_UNKNOWN').waitFor()
    }))

  test('a refused command keeps what was written and says what to do', () =>
    on('/devices/bench-02', async (page) => {
      await page.getByRole('combobox', { name: 'Name' }).fill('refuse')
      await page.getByRole('button', { name: 'Send command' }).click()
      await page.getByText('Wait until the device has taken some of them.').waitFor()
      expect(await page.getByRole('combobox', { name: 'Name' }).inputValue()).toBe('refuse')
    }))

  test('a slow answer shows that something is coming', () =>
    on(
      '/topics',
      async (page) => {
        await page.getByRole('status', { name: 'Loading' }).waitFor()
        await page.getByRole('link', { name: 'greenhouse.reading' }).waitFor()
      },
      {
        prepare: (fake) => {
          fake.switches.slowMs = 700
        },
      },
    ))

  test('a lost live connection is announced, and so is its return, with values that move again', () =>
    on('/', async (page, fake) => {
      await page.locator('header').getByText('Live', { exact: true }).waitFor()
      await page.mouse.wheel(0, 600)
      fake.switches.liveDown = true
      fake.cutLive()
      const lost = page.getByText('The live connection is lost.')
      await lost.waitFor()
      await soon(async () => (await lost.boundingBox())?.y).toBeGreaterThanOrEqual(0)
      await page.locator('header').getByText('Not live').waitFor()
      fake.switches.liveDown = false
      await page.getByText('The live connection is back.').waitFor()
      const row = page.getByRole('grid').locator('tbody tr').first()
      const before = await row.innerText()
      await soon(() => row.innerText()).not.toBe(before)
    }))
})

describe('the look', () => {
  test('follows the system, can be switched, and is remembered', () =>
    on('/', async (page) => {
      const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme')
      await page.emulateMedia({ colorScheme: 'dark' })
      await soon(scheme).toBe('dark')
      await page.emulateMedia({ colorScheme: 'light' })
      await soon(scheme).toBe('light')
      await page.getByLabel(/switch to light/).click()
      await page.getByLabel(/switch to dark/).click()
      await soon(scheme).toBe('dark')
      await page.reload()
      await soon(scheme).toBe('dark')
      await page.getByLabel(/switch to those of the system/).click()
      await soon(scheme).toBe('light')
    }))

  test('has readable contrast on every page, light and dark', () =>
    on('/', async (page, fake) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const path of PAGES) {
          await page.goto(fake.address + path)
          await page.locator(LOADED).first().waitFor()
          expect(await poorContrast(page), `${path} ${colorScheme}`).toEqual([])
        }
      }
    }))

  test('fits into 400 pixels without scrolling sideways, and without complaints', () =>
    on('/', async (page, fake, complaints) => {
      await page.setViewportSize({ width: 400, height: 800 })
      for (const path of [...PAGES, '/no-page']) {
        await page.goto(fake.address + path)
        await page.locator(`${LOADED}, main h1:text("Not found")`).first().waitFor()
        const wide = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(wide, path).toBeLessThanOrEqual(400)
        expect(await crushedTexts(page), path).toEqual([])
      }
      expect(complaints).toEqual([])
    }))

  test('is used by the keyboard: shortcuts are listed, pages are reached, the first stop skips the navigation', () =>
    on('/', async (page) => {
      await page.getByRole('grid').waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog').getByText('Filter the devices').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await page.keyboard.press('g')
      await page.keyboard.press('p')
      await page.waitForURL('**/processors')
      await soon(() => page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN')
      await page.reload()
      await page.getByRole('article', { name: 'too-hot' }).waitFor()
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
      expect(outline).toBe('solid')
    }))
})
