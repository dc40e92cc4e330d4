import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { expect } from 'vitest'

/** Debian's package; elsewhere the environment says where Chromium is. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A browser with a profile of its own that is thrown away. */
export interface TestBrowser extends AsyncDisposable {
  readonly context: BrowserContext
  /** A page whose console errors, uncaught errors and refused loads are collected in `complaints`. */
  open(address: string): Promise<{ page: Page; complaints: string[] }>
}

export async function startBrowser(): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'millrace-console-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    viewport: { width: 1360, height: 900 },
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  return {
    context,
    async open(address) {
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      await page.goto(address)
      return { page, complaints }
    },
    async [Symbol.asyncDispose]() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** How long a condition may take to come true; the machine may be busy with other things. */
const PATIENCE_MS = 15_000

/** Expects what is read to become as told, looking again until then. */
export const soon = (read: () => unknown): ReturnType<typeof expect.poll> =>
  expect.poll(read, { timeout: PATIENCE_MS })

/** Builds the console, so that the tests see the sources as they are. */
export async function buildConsole(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'error' })
}

/** How readable the visible text is: each text whose contrast is below what WCAG 2.2 (1.4.3, level AA) asks for. */
export function poorContrast(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!
    // The browser itself knows how colours are written and how they lie on each other.
    const over = (colours: string[]) => {
      canvas.fillStyle = '#fff'
      canvas.fillRect(0, 0, 1, 1)
      for (const colour of colours) {
        canvas.fillStyle = colour
        canvas.fillRect(0, 0, 1, 1)
      }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    }
    const luminance = (rgb: number[]) => {
      const [red = 0, green = 0, blue = 0] = rgb.map((part) => {
        const share = part / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const faults: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      const text = node.textContent?.trim()
      if (!element || !text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
        continue
      if (element.closest(':disabled, .sr-only, noscript, [data-disabled]')) continue
      const behind: string[] = []
      for (let at: Element | null = element; at; at = at.parentElement)
        behind.unshift(getComputedStyle(at).backgroundColor)
      const style = getComputedStyle(element)
      const light = luminance(over([...behind, style.color]))
      const dark = luminance(over(behind))
      const contrast = (Math.max(light, dark) + 0.05) / (Math.min(light, dark) + 0.05)
      const size = Number.parseFloat(style.fontSize)
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
      if (contrast < (large ? 3 : 4.5)) faults.push(`${contrast.toFixed(2)} ${text.slice(0, 40)}`)
    }
    return [...new Set(faults)]
  })
}

/** Texts that are pressed into a column of single letters. */
export function crushedTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const crushed: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent?.trim() ?? ''
      if (text.length < 6 || node.parentElement?.closest('.sr-only, noscript, script, style')) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const { width, height } = range.getBoundingClientRect()
      if (width > 0 && width < 22 && height > 60) crushed.push(text.slice(0, 40))
    }
    return crushed
  })
}
