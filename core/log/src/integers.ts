const HIGH = 0x1_0000_0000

/** Writes a safe integer as 64 bits, little-endian, two's complement. */
export function putInteger64(view: DataView, position: number, value: number): void {
  const high = Math.floor(value / HIGH)
  view.setUint32(position, value - high * HIGH, true)
  view.setInt32(position + 4, high, true)
}

/** Reads 64 bits, little-endian, two's complement; not exact beyond 2^53. */
export function getInteger64(view: DataView, position: number): number {
  return view.getInt32(position + 4, true) * HIGH + view.getUint32(position, true)
}

/** A view of the same memory as `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
