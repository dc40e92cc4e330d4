import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Edit } from './bug.ts'

const ROOT = new URL('../../../../../', import.meta.url)

/** The file of an edit, as modules are named. */
export function urlOf({ file }: Edit): string {
  return new URL(file, ROOT).href
}

/** The source with the edit made; throws unless what is to be replaced is there exactly once. */
export function edited(source: string, { file, find, replace }: Edit): string {
  const places = source.split(find).length - 1
  if (places === 1) return source.replace(find, () => replace)
  throw new Error(
    `A mutation looks for this in ${file}, where it must be exactly once, and is ${places} times. ` +
      `Make the mutation fit what the file has become:\n${find}`,
  )
}

/** What is wrong with edits, looking at the sources as they are; empty if all fit. */
export function misfits(edits: readonly Edit[]): string[] {
  const texts = new Map<string, string>()
  const found: string[] = []
  for (const edit of edits) {
    const url = urlOf(edit)
    try {
      texts.set(url, edited(texts.get(url) ?? readFileSync(fileURLToPath(url), 'utf8'), edit))
    } catch (error) {
      found.push(String(error))
    }
  }
  return found
}
