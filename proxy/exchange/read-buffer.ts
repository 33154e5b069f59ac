// Where reads land: one buffer for the worker, since a read is handled before the next begins.

/** 64 KiB is what libuv reads at most. */
export const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** Views of short reads, made once each: most reads are short, and a Buffer object per read is most of what a read costs. */
const VIEWS: (Buffer | undefined)[] = Array.from({ length: 4_096 });

/** The first `length` bytes of the buffer, as they are until the next read. */
export function readView(length: number): Buffer {
  if (length >= VIEWS.length) return READ_BUFFER.subarray(0, length);
  return (VIEWS[length] ??= READ_BUFFER.subarray(0, length));
}
