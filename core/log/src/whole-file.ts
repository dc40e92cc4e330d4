import { TEMPORARY } from './directory-layout.ts'
import type { Files, OpenFile } from './files.ts'

/**
 * Makes a file that, whatever happens, is there with all its contents or not at all: written under another
 * name, synced, renamed, and the name synced. Replaces a file that has the name. The caller closes it.
 */
export async function createWholeFile(
  files: Files,
  directory: string,
  name: string,
  contents: readonly Uint8Array[],
): Promise<OpenFile> {
  const path = `${directory}/${name}`
  await files.remove(path + TEMPORARY)
  const file = await files.open(path + TEMPORARY, 'create')
  try {
    await file.writeDurable(contents, 0)
    await files.rename(path + TEMPORARY, path)
    await files.syncDirectory(directory)
    return file
  } catch (error) {
    await file.close().catch(() => {})
    await files.remove(path + TEMPORARY).catch(() => {})
    throw error
  }
}
