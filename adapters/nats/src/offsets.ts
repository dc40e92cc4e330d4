/**
 * An offset is the sequence of the message in its stream: it grows, and has holes where other partitions are. In an
 * exclusive topic a message of NATS is a frame of several of ours, which are written together or not at all, so an
 * offset is the frame's sequence times this, and the place in the frame.
 */
export const OFFSETS_PER_FRAME = 4_096

/** The first offset of a sequence. */
export function firstOffset({ exclusive }: { readonly exclusive: boolean }, sequence: number): number {
  return exclusive ? sequence * OFFSETS_PER_FRAME : sequence
}

/** The sequence in which an offset is, or would be. */
export function sequenceOf({ exclusive }: { readonly exclusive: boolean }, offset: number): number {
  return exclusive ? Math.floor(offset / OFFSETS_PER_FRAME) : offset
}
