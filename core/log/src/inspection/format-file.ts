import type { Files } from '../files.ts'
import { parseVersion } from '../format-version.ts'
import { SurveyFile } from './survey-file.ts'

const FILE_BYTES_MAX = 4096

/** What `format.json` says. */
export interface FormatFile {
  /** Undefined if it does not tell one. */
  readonly version: number | undefined
}

/** Reads `format.json`; bytes that the disk does not give count as damaged. */
export async function readFormatFile(files: Files, path: string): Promise<FormatFile> {
  await using file = await files.open(path, 'read')
  await using survey = new SurveyFile(file, { isSparing: true })
  const bytes = new Uint8Array(FILE_BYTES_MAX)
  const length = await survey.read(bytes, 0)
  return { version: parseVersion(bytes.subarray(0, length)) }
}
