import { open } from 'node:fs/promises'

/**
 * Makes the names in a directory durable. Windows cannot open directories: NTFS journals its names, and there is
 * nothing to call.
 */
export async function syncNames(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(directory, 'r')
  await handle.sync()
}
