import { decodeSlot, FILE_BYTES, SLOT_BYTES, SLOT_DISTANCE_BYTES, type Slot } from '../durable-mark.ts'
import type { Files } from '../files.ts'
import { SurveyFile } from './survey-file.ts'

/** What stands in the file of the durable mark. */
export interface MarkFile {
  /** The newer of the intact slots; undefined if there is none. */
  readonly newest: Slot | undefined
  /** Slots that hold something, but nothing intact. One torn slot after a power cut is nothing bad. */
  readonly damagedSlots: number
}

/** Reads the mark; bytes that the disk does not give count as damaged. */
export async function readMarkFile(files: Files, path: string): Promise<MarkFile> {
  await using file = await files.open(path, 'read')
  await using survey = new SurveyFile(file, { isSparing: true })
  const bytes = new Uint8Array(FILE_BYTES)
  const length = await survey.read(bytes, 0)
  const slots = [0, SLOT_DISTANCE_BYTES].map((position) => bytes.subarray(position, position + SLOT_BYTES))
  const intact = slots.map((slot) => decodeSlot(slot)).filter((slot) => slot !== undefined)
  const blank = slots.filter((slot, index) => {
    const { unreadable } = survey
    const isUnreadable = unreadable.some(({ from, to }) => from <= index * SLOT_DISTANCE_BYTES && to > from)
    return !isUnreadable && length >= FILE_BYTES && slot.every((byte) => byte === 0)
  })
  const [first, second] = intact
  const newest = (second?.generation ?? 0) > (first?.generation ?? 0) ? second : first
  return { newest, damagedSlots: slots.length - intact.length - blank.length }
}
